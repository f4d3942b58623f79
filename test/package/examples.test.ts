import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createSandbox } from "affonso-relay/sandbox";
import { sqliteOutbox } from "affonso-relay/sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { createApp } from "../../examples/express-basic/app.js";

const run = promisify(execFile);
const cwd = fileURLToPath(new URL("../../", import.meta.url));
/** As the scripts of package.json start it. */
const example = (...args: string[]) => ["--import", "tsx", ...args];

const folder = mkdtempSync(join(tmpdir(), "affonso-relay-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const outboxFile = () => join(folder, `outbox-${++files}.db`);

describe("what npm start runs", () => {
  it("sends a webhook of each kind, shows what became of it, and ends with 0 after --once", async () => {
    const { stdout } = await run(
      process.execPath,
      example("examples/express-basic/main.ts", "--once", "--outbox", outboxFile()),
      { cwd },
    );
    const rows = stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(rows).toEqual(
      expect.arrayContaining([
        ["a subscription's invoice", "200 queued", "conversion invoice_paid, 100 EUR", "ref_ada earns 30 EUR"],
        ["a one-off checkout", "200 queued", "conversion checkout_completed, 4900 JPY", "ref_grace earns 980 JPY"],
        ["a trial", "200 queued", "trial trial_started", "ref_margaret is now trialing"],
        ["a Paddle sale", "200 queued", "conversion transaction_completed, 990 USD", "ref_ada earns 297 USD"],
        ["a lead of our own", "200 queued", "lead demo_booked", "ref_linus is now lead"],
      ]),
    );
  });

  it("stays up, and takes the curl that it prints", async () => {
    const child = spawn(process.execPath, example("examples/express-basic/main.ts", "--outbox", outboxFile()), { cwd });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.includes("Ctrl-C")) break;
    }
    const from = lines.findIndex((line) => line.startsWith("curl "));
    const to = lines.findIndex((_, at) => at > from && !lines[at - 1]?.endsWith("\\"));
    const { stdout } = await run("sh", ["-c", `${lines.slice(from, to).join("\n")} --silent`]);
    expect(JSON.parse(stdout)).toEqual({ received: true, status: "queued" });
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });

  it("goes on with what an earlier run left in its outbox", async () => {
    const file = outboxFile();
    const sandbox = createSandbox();
    const { baseUrl } = await sandbox.start();
    // An endpoint that has no time: the lead stays in the outbox.
    sandbox.faults.always({ status: 429 });
    const { relay } = createApp({
      affonso: { baseUrl, apiKey: sandbox.apiKey, signingSecret: "unused" },
      stripeWebhookSecret: "whsec_1",
      paddleWebhookSecret: "pdl_ntfset_1",
      billingWebhookSecret: "billing_1",
      outbox: sqliteOutbox({ path: file }),
    });
    const lead = { id: "demo_left", type: "demo.booked", user: { id: "user_1" }, referral: "ref_linus" } as const;
    await relay.receiveVerified("billing", { ...lead, booked_at: new Date().toISOString() });
    await relay.stop();
    await sandbox.stop();

    const { stdout } = await run(
      process.execPath,
      example("examples/express-basic/main.ts", "--once", "--outbox", file),
      { cwd },
    );
    expect(stdout).toMatch(/outbox {5}\d pending, [56] delivered/);
    const left = sqliteOutbox({ path: file });
    const { counts } = await left.stats();
    await left.close();
    expect(counts).toMatchObject({ delivered: 6, pending: 0 });
  });

  it("says which port is no port", async () => {
    const failed = await run(process.execPath, example("examples/express-basic/main.ts", "--port", "x"), { cwd }).catch(
      (error) => error,
    );
    expect([failed.code, failed.stderr.trim()]).toEqual([
      2,
      "--port must be a port number from 0 (any free one) to 65535",
    ]);
  });
});

it("says which examples there are to whoever names none of them", async () => {
  const failed = await run(process.execPath, example("examples/support/run.ts", "coa"), { cwd }).catch(
    (error) => error,
  );
  expect([failed.code, failed.stderr]).toEqual([2, expect.stringMatching(/which example\? .*\|koa\|/)]);
});

describe("the other examples", () => {
  const says: Readonly<Record<string, string>> = {
    "existing-stripe-route": "200 ok; the endpoint has a sale of 29 USD for ref_ada",
    "custom-webhook": "200 delivered; the endpoint has the milestone activation_completed for ref_ada",
  };
  const others = readdirSync(new URL("../../examples/", import.meta.url)).filter(
    (name) => name !== "support" && name !== "express-basic",
  );

  it.each(others)(
    "%s starts with one command and says what became of its webhook",
    async (name) => {
      const { stdout } = await run(process.execPath, example("examples/support/run.ts", name), { cwd });
      expect(stdout.trim()).toBe(says[name] ?? "200 delivered; the endpoint has a sale of 29 USD for ref_ada");
      // Some compile a whole framework's app first.
    },
    120_000,
  );
});
