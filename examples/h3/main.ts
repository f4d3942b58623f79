import { toNodeListener } from "h3v1";
import { demonstrate, listen } from "../support/demonstrate.js";
import { createWebhookApp } from "./app.js";

await demonstrate((config) => listen(toNodeListener(createWebhookApp(config)), "/webhooks/stripe"));
