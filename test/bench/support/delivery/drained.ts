/** What draining a backlog took. */
export interface Drained {
  readonly eventsPerSecond: number;
  /** CPU time of the process, all its threads and the kernel's work for it, for each event. */
  readonly cpuMicros: number;
  readonly rssMiB: number;
}

/** Begins to measure; what it answers is called at the end. */
export function begun(): (count: number) => Drained {
  const beganAt = performance.now();
  const before = process.cpuUsage();
  return (count) => {
    const seconds = (performance.now() - beganAt) / 1_000;
    const { user, system } = process.cpuUsage(before);
    return {
      eventsPerSecond: count / seconds,
      cpuMicros: (user + system) / count,
      rssMiB: process.memoryUsage.rss() / 2 ** 20,
    };
  };
}
