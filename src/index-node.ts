/** The public face on Node; its types are those of index.ts. */
export * from "./index.js";
export { createRelay } from "./relay-node.js";
