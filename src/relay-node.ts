import { nodeTransport } from "./endpoint/node-transport.js";
import { type createRelay as createRelayAnywhere, createRelayOver } from "./relay.js";

/** What `createRelay` is on Node, by the condition of that name in package.json: it sends by Node's own HTTP client. */
export const createRelay: typeof createRelayAnywhere = (options) => createRelayOver(nodeTransport, options);
