/**
 * What runs each optional peer at both ends of its range, which has no upper end: a version that is not out yet must not
 * be what keeps an app from installing the package.
 */
import { expect } from "vitest";
import { manifest } from "../built.js";

interface Ends {
  /** The program beside this file that framework-versions.test.ts runs on the lowest version of the range. */
  readonly program: string;
  /** What that program has beside the peer, of its time. */
  readonly beside?: Readonly<Record<string, string>>;
  /** What it prints. */
  readonly prints: unknown;
  /** The test that runs on the version in devDependencies, below `test/`. */
  readonly newest: string;
  /** What that test imports of our own to have it; the peer itself without this. */
  readonly through?: string;
}

const delivered = '200 {"received":true,"status":"delivered"}';
const sale = (id: number) => `evt_${id} 29`;

const served = {
  signed: [delivered],
  forged: '401 {"error":{"code":"signature_invalid"}}',
  echo: '201 {"of":"the app"}',
  afterClose: "relay_stopped",
  sales: [sale(0)],
};
const servedTwice = { ...served, signed: [delivered, delivered], sales: [sale(0), sale(1)] };

/** What Nest's program prints, on any version. */
export const servedByNest = { express: servedTwice, fastify: servedTwice };

/** By the peer's name. */
export const ends: Readonly<Record<string, Ends>> = {
  "@nestjs/core": {
    program: "nest",
    beside: {
      "@nestjs/common": "10.0.0",
      "@nestjs/platform-express": "10.0.0",
      "@nestjs/platform-fastify": "10.0.0",
      "reflect-metadata": "0.1.13",
      rxjs: "7.8.2",
    },
    prints: servedByNest,
    newest: "frameworks/nest.test.ts",
  },
  "better-sqlite3": {
    program: "sqlite",
    prints: { taken: "queued", again: "duplicate", delivered: 1, events: 1 },
    newest: "integration/sqlite-outbox.test.ts",
    through: "../../src/outbox/sqlite.js",
  },
  express: {
    program: "express",
    beside: { "@types/express": "4.17.25" },
    prints: {
      ...served,
      signed: [delivered, delivered, "202 by the app"],
      sales: [sale(0), sale(1), sale(2)],
    },
    newest: "integration/express.test.ts",
  },
  fastify: { program: "fastify", prints: served, newest: "frameworks/fastify.test.ts" },
  hono: {
    program: "hono",
    beside: { "@hono/node-server": "1.8.0" },
    prints: {
      ...servedTwice,
      // As the handler's advice says: it keeps no bytes of c.req.json() yet.
      signed: [delivered, delivered, expect.stringMatching(/^500 .*"code":"body_already_parsed"/)],
    },
    newest: "frameworks/hono.test.ts",
  },
  koa: {
    program: "koa",
    beside: { "@types/koa": "2.15.2" },
    prints: servedTwice,
    newest: "frameworks/koa.test.ts",
  },
  next: {
    program: "next",
    beside: { "@types/react": "18.2.0", react: "18.2.0", "react-dom": "18.2.0" },
    prints: servedTwice,
    newest: "frameworks/next.test.ts",
    through: "./next/describe-next.js",
  },
  stripe: {
    program: "stripe",
    prints: { signed: "queued", tampered: "signature_invalid", verified: "duplicate" },
    newest: "package/consumer.test.ts",
  },
};

/** The lowest version of a peer's range, which is `>=` that version. */
export function lowestOf(peer: string): string {
  const [, lowest] = /^>=(\d+\.\d+\.\d+)$/.exec(manifest.peerDependencies[peer] ?? "") ?? [];
  if (lowest === undefined) throw new Error(`package.json has no range of ${peer} that is open at the top`);
  return lowest;
}
