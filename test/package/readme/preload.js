/**
 * Loaded before a snippet that runs as a process of its own: the port and the endpoint are the test's, so that it needs no
 * port of its machine and nothing of it reaches Affonso. All else is as the snippet has it.
 */
import http from "node:http";
import https from "node:https";
import { Server } from "node:net";
import process from "node:process";

const { listen } = Server.prototype;
Server.prototype.listen = function listenOnAFreePort(_port, ...rest) {
  this.once("listening", () => process.send({ port: this.address().port }));
  return listen.call(this, 0, "127.0.0.1", ...rest);
};

// No host of this machine has that name, and the sandbox speaks no TLS.
const NOWHERE = "http://affonso.invalid";
const { SANDBOX_URL = NOWHERE } = process.env;
https.request = (url, options) => {
  const sent = http.request(String(url).replace("https://api.affonso.io/v1", SANDBOX_URL), options);
  return sent.once("response", ({ statusCode }) => process.send({ answered: statusCode }));
};
