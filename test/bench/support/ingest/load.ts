import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { p99Of } from "../rounds.js";

/** What a server made of a load. */
export interface Load {
  readonly perSecond: number;
  readonly p99Ms: number;
}

/**
 * Sends these requests over so many connections, each connection one after the other, as fast as answers come. On bare
 * sockets, so that the load costs less than any server.
 *
 * @throws Error when a server answers anything but 200.
 */
export async function load(port: number, requests: readonly Buffer[], connections: number): Promise<Load> {
  const times: number[] = [];
  const rest = requests.values();
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      await once(socket, "connect");
      return socket;
    }),
  );
  const beganAt = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      for (const request of rest) {
        const sentAt = performance.now();
        await answered(socket, request);
        times.push(performance.now() - sentAt);
      }
    }),
  );
  const seconds = (performance.now() - beganAt) / 1_000;
  for (const socket of sockets) socket.destroy();
  return { perSecond: requests.length / seconds, p99Ms: p99Of(times) };
}

function answered(socket: Socket, request: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const done = (error?: Error) => {
      socket.off("data", read).off("close", closed);
      if (error === undefined) resolve();
      else reject(error);
    };
    const closed = () => done(new Error("the server closed a connection"));
    const read = (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      const [head = "", body] = answer.split("\r\n\r\n");
      if (body === undefined) return;
      if (!head.startsWith("HTTP/1.1 200")) return done(new Error(`the server answered ${head.split("\r\n")[0]}`));
      const isComplete = head.toLowerCase().includes("transfer-encoding: chunked")
        ? body.endsWith("0\r\n") || answer.endsWith("0\r\n\r\n")
        : body.length >= Number(/content-length: (\d+)/i.exec(head)?.[1]);
      if (isComplete) done();
    };
    socket.on("data", read).on("close", closed);
    socket.write(request);
  });
}
