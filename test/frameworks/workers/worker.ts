import { createApp } from "../runtimes/app.js";
import type { Environment } from "../runtimes/environment.js";

let app: ReturnType<typeof createApp> | undefined;

export default {
  fetch(request: Request, environment: Environment): Promise<Response> {
    app ??= createApp(environment);
    return app(request);
  },
};
