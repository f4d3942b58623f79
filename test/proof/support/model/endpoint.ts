/** What a test has the endpoint do with a request. */
export type Reply = "ok" | "lost_after" | "lost_before" | "throttled" | "unauthorized" | "refused" | "broken";

export const REPLIES: readonly Reply[] = [
  ...(["ok", "ok", "ok", "lost_after", "lost_before", "throttled", "unauthorized", "refused", "broken"] as const),
];

/** A request that waits for its reply. */
interface Waiting {
  /** Which process sent it. */
  readonly by: object;
  readonly body: { readonly external_event_id: string; readonly referral_id?: string };
  readonly resolve: (response: Response) => void;
  readonly reject: (error: Error) => void;
}

/** An endpoint which answers when, and as, a test says; it knows every referral, and nobody without one. */
export class ModelEndpoint {
  readonly waiting: Waiting[] = [];
  /** Effects by `external_event_id`; a second request with one is a replay. */
  readonly effects = new Map<string, { readonly referral: string }>();
  /** Answers that cost an attempt, and those that say "nobody referred this customer", by id. */
  readonly failures = new Map<string, number>();
  readonly unmatched = new Set<string>();
  /** How many requests came, and with them the replays. */
  requests = 0;
  replays = 0;
  /** Replies at once where set. */
  always: Reply | undefined;

  fetchFor(by: object): typeof globalThis.fetch {
    return ((_: unknown, init: { body: Uint8Array; signal: AbortSignal }) => {
      this.requests += 1;
      const body: Waiting["body"] = JSON.parse(new TextDecoder().decode(init.body));
      return new Promise<Response>((resolve, reject) => {
        const waiting: Waiting = { by, body, resolve, reject };
        this.waiting.push(waiting);
        init.signal.addEventListener("abort", () => {
          this.#forget(waiting);
          reject(Object.assign(new Error("aborted"), { name: "AbortError" }));
        });
        if (this.always !== undefined) this.reply(waiting, this.always);
      });
    }) as unknown as typeof globalThis.fetch;
  }

  /** The process is gone: nobody reads the answers, but what was sent may have arrived. */
  forsake(by: object, arrived: boolean): void {
    for (const waiting of this.waiting.filter((one) => one.by === by)) {
      this.#forget(waiting);
      if (arrived) this.#process(waiting.body);
    }
  }

  reply(waiting: Waiting, reply: Reply): void {
    this.#forget(waiting);
    const answer = this.#answer(waiting.body, reply);
    if (answer !== undefined) waiting.resolve(answer);
    else waiting.reject(Object.assign(new TypeError("fetch failed"), { code: "ECONNRESET" }));
  }

  /** Undefined where the connection is cut. */
  #answer(body: Waiting["body"], reply: Reply): Response | undefined {
    if (reply === "ok") return this.#process(body);
    if (reply === "throttled") return failure(429, "RATE_LIMIT_EXCEEDED", { "retry-after": "7" });
    if (reply === "unauthorized") return failure(401, "UNAUTHORIZED");
    const id = body.external_event_id;
    this.failures.set(id, (this.failures.get(id) ?? 0) + 1);
    if (reply === "lost_after") this.#process(body);
    if (reply === "refused") return failure(400, "VALIDATION_ERROR");
    return reply === "broken" ? failure(503, "INTERNAL_ERROR") : undefined;
  }

  #process({ external_event_id: id, referral_id: referral }: Waiting["body"]): Response {
    const known = this.effects.get(id);
    if (known !== undefined) {
      this.replays += 1;
      return response(200, { success: true, data: { id: `conv_${id}`, replayed: true } });
    }
    if (referral === undefined) {
      this.unmatched.add(id);
      return failure(404, "NOT_FOUND");
    }
    this.effects.set(id, { referral });
    return response(201, { success: true, data: { id: `conv_${id}`, replayed: false } });
  }

  #forget(waiting: Waiting): void {
    const at = this.waiting.indexOf(waiting);
    if (at >= 0) this.waiting.splice(at, 1);
  }
}

function failure(status: number, code: string, headers: Record<string, string> = {}): Response {
  return response(status, { success: false, error: { code, message: "no" } }, headers);
}

/** The parts of a Response that the client reads; making a million real ones is most of what a full run would do. */
function response(status: number, body: object, headers: Record<string, string> = {}): Response {
  const chunks = [new TextEncoder().encode(JSON.stringify(body))];
  const read = async () => {
    const value = chunks.shift();
    return value === undefined ? { done: true } : { done: false, value };
  };
  const get = (name: string) => headers[name] ?? null;
  return { status, headers: { get }, body: { getReader: () => ({ read }) } } as unknown as Response;
}
