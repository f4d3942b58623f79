import { listen } from "../../test/frameworks/lambda/gateway.js";
import { functionUrl } from "../../test/frameworks/lambda/http-api.js";
import { demonstrate } from "../support/demonstrate.js";
import { createHandler } from "./app.js";

await demonstrate(async (config) => {
  // Calls the function as a function URL would.
  const { url, close } = await listen(functionUrl(), { "*": createHandler(config) });
  return { url: `${url}/webhooks/stripe`, close };
});
