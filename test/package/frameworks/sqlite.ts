/** An app with a SQLite outbox, on whatever driver its Node needs. Prints one line of JSON. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRelay } from "affonso-relay";
import { createSandbox } from "affonso-relay/sandbox";
import { sqliteOutbox } from "affonso-relay/sqlite";
import { stripe } from "affonso-relay/stripe";
import { report } from "./visit.js";

const trial = {
  id: "evt_1",
  type: "customer.subscription.created",
  created: Math.floor(Date.now() / 1000),
  livemode: true,
  data: { object: { id: "sub_1", status: "trialing", metadata: { affonso_referral: "ref_ada" } } },
};

async function twoRunsOnOneFile() {
  const folder = mkdtempSync(join(tmpdir(), "affonso-relay-driver-"));
  const sandbox = createSandbox({ referrals: ["ref_ada"] });
  const { baseUrl } = await sandbox.start();
  let delivered = () => {};
  const delivery = new Promise<void>((resolve) => {
    delivered = resolve;
  });
  const run = () =>
    createRelay({
      apiKey: sandbox.apiKey,
      baseUrl,
      adapters: [stripe({ webhookSecret: "whsec_of_a_driver" })],
      outbox: sqliteOutbox({ path: join(folder, "outbox.db") }),
      on: { delivered },
    });

  const first = run();
  await first.start();
  const { status: taken } = await first.receiveVerified("stripe", trial);
  await delivery;
  await first.stop();

  const second = run();
  const { status: again } = await second.receiveVerified("stripe", trial);
  const { counts } = await second.stats();
  await second.stop();
  await sandbox.stop();
  rmSync(folder, { recursive: true });
  return { taken, again, delivered: counts.delivered, events: sandbox.events.length };
}

report(twoRunsOnOneFile());
