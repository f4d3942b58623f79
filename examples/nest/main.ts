import { demonstrate } from "../support/demonstrate.js";
import { createApp } from "./app.js";

await demonstrate(async (config) => {
  const app = await createApp(config);
  await app.listen(0, "127.0.0.1");
  return { url: `${await app.getUrl()}/webhooks/stripe`, close: () => app.close() };
});
