import { createRelay } from "affonso-relay";
import { custom, standardWebhooks } from "affonso-relay/custom";
import { createFetchHandler } from "affonso-relay/fetch";
import * as z from "zod";

/** What the product sends when an account gets going. */
const accountActivated = z.object({
  type: z.literal("account.activated"),
  timestamp: z.iso.datetime(),
  data: z.object({ user_id: z.string(), plan: z.string() }),
});

/** A handler for any server that speaks Request and Response, for webhooks signed by the Standard Webhooks scheme. */
export function createHandler(config: { baseUrl: string; apiKey: string; secret: string }) {
  const relay = createRelay({
    apiKey: config.apiKey,
    baseUrl: config.baseUrl,
    adapters: [
      custom({
        name: "product",
        verify: standardWebhooks({ secret: config.secret }),
        schema: accountActivated,
        // No externalEventId: the header webhook-id is the upstream webhook's id.
        normalize: ({ timestamp, data }) => ({
          name: "activation_completed",
          type: "milestone",
          identity: { externalUserId: data.user_id },
          occurredAt: timestamp,
          metadata: { plan: data.plan },
        }),
      }),
    ],
  });
  return createFetchHandler(relay, "product");
}
