// Compiled by tsc and never run: whatever may be left out may be undefined too, also for an app that is compiled with
// exactOptionalPropertyTypes and reads its options from the environment.
import type {
  BasicAuthOptions,
  BearerOptions,
  CustomOptions,
  CustomRecord,
  HmacOptions,
  HmacTimestampOptions,
  StandardSchemaV1,
  StandardWebhooksOptions,
  StaticHeaderOptions,
} from "../../adapters/custom/index.js";
import type { PaddleOptions } from "../../adapters/paddle/index.js";
import type { StripeOptions } from "../../adapters/stripe/index.js";
import type { createExpressMiddleware, ExpressHandlerOptions } from "../../src/http/express.js";
import type { createFastifyPlugin } from "../../src/http/fastify.js";
import type { createFetchHandler } from "../../src/http/fetch.js";
import type { createHonoHandler } from "../../src/http/hono.js";
import type { createKoaHandler, KoaMiddlewareOptions } from "../../src/http/koa.js";
import type { createLambdaHandler } from "../../src/http/lambda.js";
import type { NestAsyncOptions, NestMountOptions, NestOptions } from "../../src/http/nest.js";
import type { createNextApiHandler, createNextRouteHandler } from "../../src/http/next.js";
import type { createNodeHandler, NodeMiddlewareOptions } from "../../src/http/node.js";
import type { EventFromCode, Relay, RelayOptions, RelayRecordInput } from "../../src/index.js";
import type { MemoryOutboxOptions } from "../../src/outbox/memory.js";
import type { SqliteOutboxOptions } from "../../src/outbox/sqlite.js";
import type { Fault, ReferralInput, SandboxOptions } from "../../src/sandbox/index.js";

/** The members that may be left out and may not be undefined, those of nested options by their path. */
type Refusing<Options> = Options extends Date | ((...parameters: never) => unknown)
  ? never
  : Options extends readonly (infer Item)[]
    ? Refusing<Item>
    : Options extends object
      ? { [Name in Named<Options>]-?: RefusingAt<Options, Name> }[Named<Options>]
      : never;
type RefusingAt<Options, Name extends keyof Options & string> =
  | (object extends Pick<Options, Name>
      ? { [_ in Name]: undefined } extends Pick<Options, Name>
        ? never
        : Name
      : never)
  | `${Name}.${Refusing<NonNullable<Options[Name]>>}`;
/** The members with a name of their own: those of a record are never left out, they are not there. */
type Named<Options> = keyof { [Name in keyof Options as string extends Name ? never : Name]: unknown } &
  keyof Options &
  string;

function expectNone<_Names extends never>(): void {}

expectNone<Refusing<RelayOptions>>();
expectNone<Refusing<StripeOptions>>();
expectNone<Refusing<PaddleOptions>>();
expectNone<Refusing<CustomOptions<string, StandardSchemaV1>>>();
expectNone<Refusing<HmacOptions>>();
expectNone<Refusing<HmacTimestampOptions>>();
expectNone<Refusing<StandardWebhooksOptions>>();
expectNone<Refusing<BasicAuthOptions>>();
expectNone<Refusing<BearerOptions>>();
expectNone<Refusing<StaticHeaderOptions>>();
expectNone<Refusing<ExpressHandlerOptions>>();
expectNone<Refusing<KoaMiddlewareOptions>>();
expectNone<Refusing<NodeMiddlewareOptions>>();
expectNone<Refusing<NestMountOptions>>();
expectNone<Refusing<NestOptions>>();
expectNone<Refusing<NestAsyncOptions<[], object>>>();
expectNone<Refusing<MemoryOutboxOptions>>();
expectNone<Refusing<SqliteOutboxOptions>>();
expectNone<Refusing<SandboxOptions>>();

// Those that have no name, and what is handed over in other ways.
expectNone<Refusing<Parameters<typeof createExpressMiddleware>[1]>>();
expectNone<Refusing<Parameters<typeof createFastifyPlugin>[1]>>();
expectNone<Refusing<Parameters<typeof createFetchHandler>>>();
expectNone<Refusing<Parameters<typeof createHonoHandler>>>();
expectNone<Refusing<Parameters<typeof createKoaHandler>[2]>>();
expectNone<Refusing<Parameters<typeof createLambdaHandler>>>();
expectNone<Refusing<Parameters<typeof createNextApiHandler>>>();
expectNone<Refusing<Parameters<typeof createNextRouteHandler>>>();
expectNone<Refusing<Parameters<typeof createNodeHandler>[2]>>();
expectNone<Refusing<Parameters<Relay["stop"]>>>();
expectNone<Refusing<Parameters<Relay["receiveVerified"]>>>();
expectNone<Refusing<EventFromCode>>();
expectNone<Refusing<RelayRecordInput>>();
expectNone<Refusing<CustomRecord>>();
expectNone<Refusing<Fault>>();
expectNone<Refusing<ReferralInput>>();
