import { defined } from "../defined.ts";
import { timeOf, type Ulid } from "../ids.ts";
import { rfc3339 } from "../time.ts";

/** What `enrich: { "from": "$event" }` adds to a payload. */
export type Metadata = {
  readonly received_at: string;
  /** Region that accepted the event. */
  readonly region: string;
  /** Name of the API key that sent it, where the key has one. */
  readonly key_name?: string;
};

/** @param first ULID of the event's batch: all of its events were received together */
export const metadataOf = (first: Ulid, region: string, keyName: string | undefined): Metadata => ({
  received_at: rfc3339(timeOf(first)),
  region,
  ...defined({ key_name: keyName }),
});
