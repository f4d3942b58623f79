import { once } from "node:events";
import { connect } from "node:net";

/** What a slow sender sends before it slows down, and then byte by byte. */
export interface SlowRequest {
  readonly port: number;
  readonly begin: string;
  readonly everyMs: number;
}

/** What became of it once the other side has ended the connection. */
export interface Ended {
  readonly answer: string;
  /** From the first byte to the end. */
  readonly ms: number;
  /** From the answer to the end. */
  readonly lingeredMs: number;
}

export interface SlowSender {
  readonly ended: Promise<Ended>;
  hangUp(): void;
}

/** Connects and begins; then sends one byte at a time, for as long as it is let. It never hangs up by itself. */
export async function sendSlowly({ port, begin, everyMs }: SlowRequest): Promise<SlowSender> {
  // Half-open: it goes on sending when the other side is through.
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }).setEncoding("latin1");
  await once(socket, "connect");
  const begunAt = performance.now();
  let answer = "";
  let answeredAt = Number.NaN;
  socket.on("data", (data) => {
    if (answer === "") answeredAt = performance.now();
    answer += data;
  });
  socket.write(begin);
  // Behind what has come in: a write that finds the connection closed would take an answer with it that was not read yet.
  const ticking = setInterval(() => setImmediate(() => socket.writable && socket.write("x")), everyMs);
  const ended = new Promise<Ended>((resolve) => {
    const end = () => {
      const now = performance.now();
      resolve({ answer, ms: now - begunAt, lingeredMs: now - answeredAt });
    };
    socket.on("end", end).on("close", end);
  });
  socket.on("error", () => {}).on("close", () => clearInterval(ticking));
  return { ended, hangUp: () => void socket.destroy() };
}
