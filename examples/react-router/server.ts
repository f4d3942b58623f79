import { createRequestListener } from "@react-router/node";
import type { ServerBuild } from "react-router";
import * as webhooks from "./app/routes/webhooks.$source.js";

/** What `react-router build` would make of the folder app/; yours comes from `./build/server/index.js`. */
const build: ServerBuild = {
  entry: { module: { default: () => new Response("no pages here", { status: 404 }) } },
  routes: {
    "routes/webhooks.$source": {
      id: "routes/webhooks.$source",
      path: "webhooks/:source",
      // A resource route has no component, which its type does not know.
      module: { ...webhooks, default: undefined as never },
    },
  },
  assets: { entry: { imports: [], module: "" }, routes: {}, url: "", version: "" },
  publicPath: "/",
  assetsBuildDirectory: "build/client",
  future: { v8_middleware: false, v8_passThroughRequests: false, v8_trailingSlashAwareDataRequests: false },
  ssr: true,
  isSpaMode: false,
  prerender: [],
  routeDiscovery: { mode: "initial", manifestPath: "/__manifest" },
};

export const listener = createRequestListener({ build });
