import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const cwd = fileURLToPath(new URL("../../", import.meta.url));
const tsx = fileURLToPath(new URL("../../node_modules/.bin/tsx", import.meta.url));

describe("what npm start runs", () => {
  it("sends a webhook of each kind, shows what became of it, and ends with 0 after --once", async () => {
    const { stdout } = await run(tsx, ["examples/express-basic/main.ts", "--once"], { cwd });
    const rows = stdout.split("\n").map((line) => line.split(/ {2,}/));
    expect(rows).toEqual(
      expect.arrayContaining([
        ["a subscription's invoice", "200 delivered", "conversion invoice_paid, 100 EUR", "ref_ada earns 30 EUR"],
        ["a one-off checkout", "200 delivered", "conversion checkout_completed, 4900 JPY", "ref_grace earns 980 JPY"],
        ["a trial", "200 delivered", "trial trial_started", "ref_margaret is now trialing"],
        ["a Paddle sale", "200 delivered", "conversion transaction_completed, 990 USD", "ref_ada earns 297 USD"],
        ["a lead of our own", "200 delivered", "lead demo_booked", "ref_linus is now lead"],
      ]),
    );
  });

  it("stays up, and takes the curl that it prints", async () => {
    const child = spawn(tsx, ["examples/express-basic/main.ts"], { cwd });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      if (line.includes("Ctrl-C")) break;
    }
    const from = lines.findIndex((line) => line.startsWith("curl "));
    const to = lines.findIndex((_, at) => at > from && !lines[at - 1]?.endsWith("\\"));
    const { stdout } = await run("sh", ["-c", `${lines.slice(from, to).join("\n")} --silent`]);
    expect(JSON.parse(stdout)).toEqual({ received: true, status: "delivered" });
    child.kill("SIGINT");
    const [code] = await once(child, "exit");
    expect(code).toBe(0);
  });

  it("says which port is no port", async () => {
    const failed = await run(tsx, ["examples/express-basic/main.ts", "--port", "x"], { cwd }).catch((error) => error);
    expect([failed.code, failed.stderr.trim()]).toEqual([
      2,
      "--port must be a port number from 0 (any free one) to 65535",
    ]);
  });
});

describe("the other examples", () => {
  it.each([
    ["existing-stripe-route", "200 ok; the endpoint has a sale of 29 USD for ref_ada"],
    ["custom-webhook", "200 delivered; the endpoint has the milestone activation_completed for ref_ada"],
  ])("%s runs by itself and says what became of its webhook", async (name, says) => {
    const { stdout } = await run(tsx, [`examples/${name}/main.ts`], { cwd });
    expect(stdout.trim()).toBe(says);
  });
});
