import { demonstrate, listen } from "../support/demonstrate.js";
import { createApp } from "./app.js";

await demonstrate((config) => listen(createApp(config).callback(), "/webhooks/stripe"));
