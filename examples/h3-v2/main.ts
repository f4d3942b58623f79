import { toNodeHandler } from "h3/node";
import { demonstrate, listen } from "../support/demonstrate.js";
import { createWebhookApp } from "./app.js";

await demonstrate((config) => listen(toNodeHandler(createWebhookApp(config)), "/webhooks/stripe"));
