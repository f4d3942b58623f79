import { fileURLToPath } from "node:url";
import { demonstrate } from "../support/demonstrate.js";
import { startNextDev } from "../support/next.js";

const folder = fileURLToPath(new URL("./", import.meta.url));
await demonstrate((config) => startNextDev(folder, "/api/webhooks/stripe", config));
