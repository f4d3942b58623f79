import { createSandbox } from "affonso-relay/sandbox";
import { Webhook } from "standardwebhooks";
import { createHandler } from "./handler.js";

const secret = "whsec_c2FuZGJveC1vbmx5LXNlY3JldC1vZi10aGUtZXhhbXBsZQ==";
const sandbox = createSandbox({ referrals: [{ id: "ref_ada", externalUserId: "user_1" }] });
const { baseUrl } = await sandbox.start();
const handler = createHandler({ baseUrl, apiKey: sandbox.apiKey, secret });

const now = new Date();
const body = JSON.stringify({
  type: "account.activated",
  timestamp: now.toISOString(),
  data: { user_id: "user_1", plan: "pro" },
});
const response = await handler(
  new Request("https://app.example/webhooks/product", {
    method: "POST",
    body,
    headers: {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
      "webhook-signature": new Webhook(secret).sign("msg_1", now, body),
    },
  }),
);
const { status } = await response.json();
const [referral] = sandbox.referrals;
for (const { event_type, event_name } of sandbox.events) {
  console.log(`${response.status} ${status}; the endpoint has the ${event_type} ${event_name} for ${referral?.id}`);
}
await sandbox.stop();
