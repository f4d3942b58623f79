import * as z from "zod/mini";
import type { StandardSchemaV1 } from "./adapter.js";
import { quickParse } from "./quick-schema.js";

/** A schema as the kit's own adapters have them: read by {@link quickParse}. */
export function quick<Schema extends z.ZodMiniType>(
  schema: Schema,
): StandardSchemaV1<z.input<Schema>, z.output<Schema>> {
  return {
    "~standard": {
      version: 1,
      vendor: "zod",
      validate(value) {
        const { data, error } = quickParse(schema, value);
        return error === undefined ? { value: data } : { issues: error.issues };
      },
    },
  };
}

/**
 * A list whose length is looked at before its items are: zod makes an issue of each part that is wrong, and a megabyte
 * has 100,000 of them.
 */
export function listOf<Item extends z.ZodMiniType>(item: Item) {
  const isShort = (value: unknown) => Array.isArray(value) && value.length <= 1_000;
  return z.pipe(z.custom<z.input<Item>[]>(isShort, "expected a list of at most 1000"), z.array(item));
}
