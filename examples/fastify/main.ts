import { demonstrate } from "../support/demonstrate.js";
import { createApp } from "./app.js";

await demonstrate(async (config) => {
  const app = createApp(config);
  const url = await app.listen({ port: 0, host: "127.0.0.1" });
  return { url: `${url}/webhooks/stripe`, close: () => app.close() };
});
