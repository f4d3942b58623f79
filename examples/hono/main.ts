import { getRequestListener } from "@hono/node-server";
import { demonstrate, listen } from "../support/demonstrate.js";
import { createApp } from "./app.js";

await demonstrate((config) => listen(getRequestListener(createApp(config).fetch), "/webhooks/stripe"));
