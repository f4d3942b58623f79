import { describe, expect, it, vi } from "vitest";
import { memoryOutbox } from "../../../src/outbox/memory.js";
import type { Outbox } from "../../../src/outbox/outbox.js";
import {
  type Answer,
  created,
  error,
  HOUR,
  json,
  lostProcess,
  MINUTE,
  never,
  referred,
  SECOND,
  type Sent,
  sales,
  station,
  T0,
  withMethods,
} from "./station.js";
import { refund, sale } from "./support.js";
import { VirtualTime } from "./virtual-time.js";

/** An answer that takes its time. */
const after =
  (time: VirtualTime, ms: number, answer: Answer): Answer =>
  async (sent, count) => {
    await new Promise<void>((resolve) => time.after(ms, resolve));
    return answer(sent, count);
  };

/** A store that makes a commit and does not say so, once it is told to. */
function unreliable() {
  let losesNext = false;
  const memory = memoryOutbox();
  const outbox = withMethods(memory, {
    settle: async (...args) => {
      const settled = await memory.settle(...args);
      if (!losesNext) return settled;
      losesNext = false;
      throw new Error("the connection is gone");
    },
  });
  const loseNext = () => {
    losesNext = true;
  };
  return { outbox, loseNext };
}

describe("a commit whose end is unknown", () => {
  it("is asked for again, and what it did is told of once", async () => {
    const { outbox, loseNext } = unreliable();
    const { put, worker, time, sent, told, entry, lines } = station(created, { outbox });
    loseNext();
    await put(sale(referred));
    worker.start();
    await time.pass(10 * MINUTE);
    expect(sent).toHaveLength(1);
    expect(told).toEqual(["evt_1 delivered"]);
    expect(await entry("evt_1")).toMatchObject({ state: "delivered", conversionId: "conv_1" });
    expect(lines).toEqual([]);
    await worker.stop(0);
  });

  it("may have opened the lane again: what waits for its next try for hours goes at once", async () => {
    let isDown = true;
    const { outbox, loseNext } = unreliable();
    const { put, worker, time, told } = station((one, count) => (isDown ? json(502, {}) : created(one, count)), {
      outbox,
    });
    await put(sale(referred));
    worker.start();
    // Nine failures: the tenth would come 6 hours after them.
    await time.pass(8 * HOUR);
    await put(sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }));
    await time.pass(SECOND);
    expect(told).toContain("paused unavailable");
    isDown = false;
    loseNext();
    await time.pass(2 * MINUTE);
    expect(told.slice(-2).sort()).toEqual(["evt_1 delivered", "evt_2 delivered"]);
    await worker.stop(0);
  });
});

describe("a commit that is made at the second try", () => {
  function failing() {
    let failsNext = false;
    const memory = memoryOutbox();
    const outbox = withMethods(memory, {
      settle: async (...args) => {
        if (!failsNext) return memory.settle(...args);
        failsNext = false;
        throw new Error("the database is locked");
      },
    });
    const failNext = () => {
      failsNext = true;
    };
    return { outbox, failNext };
  }

  it("tells of the pause that it began", async () => {
    const { outbox, failNext } = failing();
    const { put, worker, time, told } = station(() => error(401, "UNAUTHORIZED"), { outbox });
    await put(sale(referred));
    failNext();
    worker.start();
    await time.pass(10 * SECOND);
    expect(told).toEqual(["paused unauthorized", "evt_1 again"]);
    await worker.stop(0);
  });

  it("makes nothing due that waits for its own next try", async () => {
    const { outbox, failNext } = failing();
    const { put, worker, time, told } = station(
      (one, count) => (one.body["external_event_id"] === "evt_1" ? json(502, {}) : created(one, count)),
      { outbox },
    );
    await put(sale(referred));
    worker.start();
    // Three failures: the fourth try is two minutes away.
    await time.pass(40 * SECOND);
    expect(told).toEqual(["evt_1 again", "evt_1 again", "evt_1 again"]);
    failNext();
    await put(sale({ ...referred, externalEventId: "evt_2", businessKey: "invoice:in_2" }));
    await time.pass(MINUTE);
    expect(told.slice(3)).toEqual(["evt_2 delivered"]);
    await worker.stop(0);
  });
});

describe("a request that outlasts its lease", () => {
  /** One worker whose requests take 90 seconds, of a lease of 60, and leave no room for another; and one that takes over. */
  function takenOver(slowly: Answer, quickly: Answer) {
    const [time, outbox, sent] = [new VirtualTime(T0), memoryOutbox(), [] as Sent[]];
    const slow = station(after(time, 90 * SECOND, slowly), { time, outbox, sent, concurrency: 1 });
    const quick = station(quickly, { time, outbox, sent });
    return { time, sent, slow, quick };
  }

  it("is the other worker's to tell of, which has the entry by then", async () => {
    const { time, sent, slow, quick } = takenOver(created, (one, count) =>
      count === 2 ? json(200, { success: true, data: { id: "conv_1", replayed: true } }) : created(one, count),
    );
    await slow.put(sale(referred));
    slow.worker.start();
    await time.pass(SECOND);
    quick.worker.start();
    await time.pass(10 * MINUTE);
    expect(sent).toHaveLength(2);
    expect(slow.told).toEqual([]);
    expect(quick.told).toEqual(["evt_1 duplicate"]);
    await Promise.all([slow.worker.stop(0), quick.worker.stop(0)]);
  });

  it("and was taken, while the other was refused, is sent once more, so that it does not end as a dead letter", async () => {
    const { time, slow, quick } = takenOver(created, (one, count) =>
      count <= 3 ? error(400, "VALIDATION_ERROR") : created(one, count),
    );
    // Another dead letter, which stays one.
    await quick.put(...sales(1));
    quick.worker.start();
    await time.pass(SECOND);
    await quick.worker.stop(0);
    expect(quick.told.splice(0)).toEqual(["evt_0 dead rejected"]);
    await slow.put(sale(referred));
    slow.worker.start();
    await time.pass(SECOND);
    quick.worker.start();
    await time.pass(80 * SECOND);
    expect(quick.told).toEqual(["evt_1 dead rejected"]);
    await time.pass(10 * MINUTE);
    expect([...slow.told, ...quick.told]).toEqual(["evt_1 dead rejected", "evt_1 delivered"]);
    await Promise.all([slow.worker.stop(0), quick.worker.stop(0)]);
  });

  it("and was refused, while the other was taken, changes nothing", async () => {
    const { time, sent, slow, quick } = takenOver(() => error(400, "VALIDATION_ERROR"), created);
    await slow.put(sale(referred));
    slow.worker.start();
    await time.pass(SECOND);
    quick.worker.start();
    await time.pass(10 * MINUTE);
    expect([slow.told, quick.told]).toEqual([[], ["evt_1 delivered"]]);
    expect(sent).toHaveLength(2);
    await Promise.all([slow.worker.stop(0), quick.worker.stop(0)]);
  });

  it("and was refused as the other was, stays the one dead letter that it is", async () => {
    const refusal = () => error(400, "VALIDATION_ERROR");
    const { time, sent, slow, quick } = takenOver(refusal, refusal);
    await slow.put(sale(referred));
    slow.worker.start();
    await time.pass(SECOND);
    quick.worker.start();
    await time.pass(10 * MINUTE);
    expect([slow.told, quick.told]).toEqual([[], ["evt_1 dead rejected"]]);
    expect(sent).toHaveLength(2);
    await Promise.all([slow.worker.stop(0), quick.worker.stop(0)]);
  });
});

describe("what may take its process down", () => {
  /** An entry that two lost processes have started, due in the middle of a request that takes this long. */
  async function suspectBeside(ms: number) {
    const time = new VirtualTime(T0);
    const there = station(after(time, ms, created), { time });
    await there.put(sale({ ...referred, externalEventId: "evt_suspect", businessKey: "in_suspect" }));
    for (let start = 0; start < 2; start++) await lostProcess(there.outbox, T0 + start * 2 * MINUTE);
    time.nowMs = T0 + 3 * MINUTE - SECOND;
    await there.put(...sales(1));
    there.worker.start();
    await time.pass(2 * SECOND);
    return there;
  }

  it("is given back where the others took so much of its lease that another worker might send it too", async () => {
    const { worker, time, sent, outbox, told } = await suspectBeside(50 * SECOND);
    const other = station(created, { time, outbox, sent });
    other.worker.start();
    await time.pass(10 * MINUTE);
    expect(sent.map(({ body }) => body["external_event_id"]).sort()).toEqual(["evt_0", "evt_suspect"]);
    expect([...told, ...other.told].sort()).toEqual(["evt_0 delivered", "evt_suspect delivered"]);
    await Promise.all([worker.stop(0), other.worker.stop(0)]);
  });

  it("is not begun any more by a worker that is told to stop meanwhile, and was not started then", async () => {
    const { worker, time, sent, told, outbox } = await suspectBeside(10 * SECOND);
    const stopped = worker.stop(MINUTE);
    await time.pass(30 * SECOND);
    await stopped;
    expect(sent.map(({ body }) => body["external_event_id"])).toEqual(["evt_0"]);
    expect(told).toEqual(["evt_0 delivered"]);
    // Twice by the processes that were lost, and not a third time: the fifth start would be its last.
    for (let start = 2; start < 5; start++) {
      expect(await lostProcess(outbox, time.nowMs + start * 2 * MINUTE)).toEqual(["evt_suspect"]);
    }
  });
});

describe("an attempt without a request that outlasts its lease", () => {
  it("is no failure of the store: the other worker has the entry, and holds it", async () => {
    const [time, memory] = [new VirtualTime(T0), memoryOutbox()];
    const outbox = withMethods(memory, {
      findEvent: async (...args) => {
        await new Promise<void>((resolve) => time.after(90 * SECOND, resolve));
        return memory.findEvent(...args);
      },
    });
    const slow = station(created, { time, outbox, concurrency: 1 });
    const quick = station(created, { time, outbox: memory });
    await slow.put(refund());
    slow.worker.start();
    await time.pass(SECOND);
    quick.worker.start();
    await time.pass(5 * MINUTE);
    expect([slow.told, slow.lines]).toEqual([[], []]);
    expect(quick.told).toEqual(["re_1 held"]);
    await Promise.all([slow.worker.stop(0), quick.worker.stop(0)]);
  });
});

describe("a stop", () => {
  it("leaves no timer behind, so that the process can end", async () => {
    const { put, worker, time } = station();
    await put(sale(referred));
    worker.start();
    await time.pass(SECOND);
    await worker.stop(10 * MINUTE);
    expect(time.waiting).toBe(0);
  });

  it("that had time left takes none of the next run's", async () => {
    let isSlow = false;
    const time = new VirtualTime(T0);
    const { put, worker, told } = station(
      (one, count) => (isSlow ? after(time, 40 * SECOND, created)(one, count) : created(one, count)),
      { time },
    );
    worker.start();
    await worker.stop(30 * SECOND);
    isSlow = true;
    await put(sale(referred));
    worker.start();
    await time.pass(MINUTE);
    expect(told).toEqual(["evt_1 delivered"]);
    await worker.stop(0);
  });

  /** A store whose clock takes a second to answer, so that what happens meanwhile happens in the middle of an attempt. */
  function slowClock(time: VirtualTime): Outbox {
    return withMethods(memoryOutbox(), {
      now: async (localNowMs) => {
        await new Promise<void>((resolve) => time.after(SECOND, resolve));
        return localNowMs;
      },
    });
  }

  it("keeps an answer that it came upon, though the time was over before the store had it", async () => {
    const time = new VirtualTime(T0);
    const { put, worker, sent, told } = station(created, { time, outbox: slowClock(time) });
    await put(sale(referred));
    worker.start();
    await time.pass(2_500);
    expect(sent).toHaveLength(1);
    const stopped = worker.stop(0);
    await time.pass(10 * SECOND);
    await stopped;
    expect(told).toEqual(["evt_1 delivered"]);
  });

  it("gives back what had nothing to send, without a word in the log", async () => {
    const time = new VirtualTime(T0);
    const { put, worker, told, lines, entry } = station(created, { time, outbox: slowClock(time) });
    await put(sale());
    worker.start();
    await time.pass(1_500);
    const stopped = worker.stop(0);
    await time.pass(10 * SECOND);
    await stopped;
    expect([told, lines]).toEqual([[], []]);
    expect(await entry("evt_1")).toMatchObject({ state: "pending", attempts: 0 });
  });

  it("sends nothing of what it was still claiming when its time was over", async () => {
    const [time, memory] = [new VirtualTime(T0), memoryOutbox()];
    const outbox = withMethods(memory, {
      claim: async (request) => {
        await new Promise<void>((resolve) => time.after(2 * SECOND, resolve));
        return memory.claim(request);
      },
    });
    const { put, worker, sent, entry } = station(never, { time, outbox });
    await put(sale(referred));
    worker.start();
    await time.pass(SECOND);
    let isStopped = false;
    const stopped = worker.stop(0).then(() => {
      isStopped = true;
    });
    await time.pass(5 * SECOND);
    expect(isStopped).toBe(true);
    await stopped;
    expect(sent).toEqual([]);
    expect(await entry("evt_1")).toMatchObject({ state: "pending", attempts: 0 });
  });

  it("does not wait for a store that keeps failing, and leaves the entry to the next run", async () => {
    let isBroken = true;
    const memory = memoryOutbox();
    const outbox = withMethods(memory, {
      settle: async (...args) => {
        if (isBroken) throw new Error("the disk is full");
        return memory.settle(...args);
      },
    });
    const { put, worker, time, told, sent } = station(created, { outbox });
    await put(sale(referred));
    worker.start();
    await time.pass(SECOND);
    let stoppedAtMs = 0;
    const stopped = worker.stop(2 * SECOND).then(() => {
      stoppedAtMs = time.nowMs;
    });
    await time.pass(MINUTE);
    await stopped;
    expect(stoppedAtMs).toBeLessThanOrEqual(T0 + 5 * SECOND);
    isBroken = false;
    worker.start();
    await time.pass(5 * MINUTE);
    expect(sent).toHaveLength(2);
    expect(told).toEqual(["evt_1 delivered"]);
    await worker.stop(0);
  });
});

describe("a store that fails", () => {
  it("is asked again after a second, and the log says that nothing is lost", async () => {
    let failures = 0;
    const memory = memoryOutbox();
    const outbox = withMethods(memory, {
      claim: async (request) => {
        if (++failures <= 3) throw Object.assign(new Error("jane@example.com"), { code: "SQLITE_BUSY" });
        return memory.claim(request);
      },
    });
    const { put, worker, time, seconds, lines } = station(created, { outbox });
    await put(sale(referred));
    worker.start();
    await time.pass(10 * SECOND);
    expect(seconds()).toEqual([3]);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatchObject({
      level: "error",
      fields: { cause: "Error", causeCode: "SQLITE_BUSY" },
      message: "the outbox failed; what it holds is safe and is tried again",
    });
    await worker.stop(0);
  });

  it("is said to have failed at an entry where it was at work on one", async () => {
    const outbox = withMethods(memoryOutbox(), { settle: () => Promise.reject(new Error("the disk is full")) });
    const { put, worker, time, lines } = station(created, { outbox });
    await put(sale(referred));
    worker.start();
    await time.pass(40 * SECOND);
    expect(lines).toMatchObject([{ level: "error", fields: { externalEventId: "evt_1" } }]);
    await worker.stop(0);
  });
});

describe("a worker that the endpoint has told of no limit yet", () => {
  it("keeps to the one that the store remembers", async () => {
    const limited: Answer = (_, count) =>
      json(201, { success: true, data: { id: `c${count}` } }, { "x-ratelimit-limit": "60" });
    const [time, outbox] = [new VirtualTime(T0), memoryOutbox()];
    const before = station(limited, { time, outbox });
    await before.put(...sales(200));
    before.worker.start();
    await time.pass(5 * SECOND);
    await before.worker.stop(0);
    const now = station(created, { time, outbox });
    now.worker.start();
    await time.pass(MINUTE);
    expect(now.sent.length).toBeLessThanOrEqual(57);
    expect(now.sent.length).toBeGreaterThan(50);
    await now.worker.stop(0);
  });
});

describe("the machine's own timers", () => {
  it("take a wait of any length: one longer than they can count is not over at once", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      let answer: (response: Response) => void = never;
      const answered = new Promise<Response>((resolve) => {
        answer = resolve;
      });
      const { put, worker, sent, told } = station(() => answered, { isReal: true });
      await put(sale(referred));
      worker.start();
      await vi.waitFor(() => expect(sent).toHaveLength(1));
      const stopped = worker.stop(2 ** 40);
      await vi.advanceTimersByTimeAsync(10 * SECOND);
      answer(json(201, { success: true, data: { id: "conv_1" } }));
      await stopped;
      expect(told).toEqual(["evt_1 delivered"]);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
