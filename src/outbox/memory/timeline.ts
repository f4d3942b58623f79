import type { Row } from "./row.js";

interface Place {
  readonly atMs: number;
  readonly row: Row;
}

/** A page is searched by halves and changed as a whole: short enough to be copied in no time. */
const MAX_PAGE = 256;

/** Rows by a time of theirs, and by their ids where it is the same: what one costs hardly depends on how many there are. */
export class Timeline {
  readonly #times = new Map<Row, number>();
  /** In order, and none of them empty. */
  readonly #pages: Place[][] = [];

  get size(): number {
    return this.#times.size;
  }

  first(): Row | undefined {
    return this.#pages[0]?.[0]?.row;
  }

  /** Keeps the row at this time, and at none other. */
  set(row: Row, atMs: number): void {
    if (this.#times.get(row) === atMs) return;
    this.delete(row);
    this.#times.set(row, atMs);
    const place = { atMs, row };
    const at = this.#pageOf(place);
    const page = this.#pages[at];
    if (page === undefined) return void this.#pages.push([place]);
    page.splice(
      firstOf(page, (other) => isBefore(place, other)),
      0,
      place,
    );
    if (page.length > MAX_PAGE) this.#pages.splice(at + 1, 0, page.splice(MAX_PAGE / 2));
  }

  delete(row: Row): void {
    const atMs = this.#times.get(row);
    if (atMs === undefined) return;
    this.#times.delete(row);
    const place = { atMs, row };
    const at = this.#pageOf(place);
    const page = this.#pages[at] ?? [];
    page.splice(
      firstOf(page, (other) => !isBefore(other, place)),
      1,
    );
    if (page.length === 0) this.#pages.splice(at, 1);
  }

  /** The rows after the one time, until the other, in their order. None may be set or deleted meanwhile. */
  *within(afterMs: number, untilMs: number): Generator<Row> {
    const isAfter = ({ atMs }: Place) => atMs > afterMs;
    let at = firstOf(this.#pages, (page) => page.slice(-1).some(isAfter));
    for (let page = this.#pages[at]; page !== undefined; page = this.#pages[++at]) {
      for (const place of page.slice(firstOf(page, isAfter))) {
        if (place.atMs > untilMs) return;
        yield place.row;
      }
    }
  }

  /** Where the last page is that does not begin behind it. */
  #pageOf(place: Place): number {
    const behind = firstOf(this.#pages, ([first]) => first !== undefined && isBefore(place, first));
    return Math.max(behind - 1, 0);
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.atMs === b.atMs ? a.row.entry.id < b.row.entry.id : a.atMs < b.atMs;
}

/** Where the first one is of which it is true; it is true of all those behind as well. */
function firstOf<T>(list: readonly T[], isTrue: (item: T) => boolean): number {
  let from = 0;
  let to = list.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const item = list[middle];
    if (item !== undefined && isTrue(item)) to = middle;
    else from = middle + 1;
  }
  return from;
}
