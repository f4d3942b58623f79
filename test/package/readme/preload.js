/**
 * Loaded before a snippet that runs as a process of its own: the port and the endpoint are the test's, so that it needs no
 * port of its machine and nothing of it reaches Affonso. All else is as the snippet has it.
 */
import { Server } from "node:net";
import process from "node:process";

const { listen } = Server.prototype;
Server.prototype.listen = function listenOnAFreePort(_port, ...rest) {
  this.once("listening", () => process.send({ port: this.address().port }));
  return listen.call(this, 0, "127.0.0.1", ...rest);
};

const { fetch } = globalThis;
const { SANDBOX_URL } = process.env;
globalThis.fetch = async (url, init) => {
  if (SANDBOX_URL === undefined) throw new TypeError("fetch failed");
  const response = await fetch(String(url).replace("https://api.affonso.io/v1", SANDBOX_URL), init);
  process.send({ answered: response.status });
  return response;
};
