import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inBenchProcess } from "../process.js";

// Takes events as fast as node:http does, with the least that a conversion's answer has. It is the same for all candidates.
let taken = 0;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    const body = `{"success":true,"data":{"id":"conv_${++taken}","status":"pending","replayed":false}}`;
    response.writeHead(201, { "content-type": "application/json", "content-length": body.length }).end(body);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1");
await once(server, "listening");

const { port } = server.address() as AddressInfo;
await inBenchProcess({ baseUrl: `http://127.0.0.1:${port}/v1` }, async () => {
  const since = taken;
  taken = 0;
  return since;
});
