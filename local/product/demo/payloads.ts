/** Genuine webhook bodies: every example of GitHub's, as events whose type is `<GitHub event>.<action>`. */
import { createRequire } from "node:module";
import { intoCalls } from "../../../runtime/aws/calls.ts";

// The package declares types for an export that its JSON file does not have.
const examples = createRequire(import.meta.url)("@octokit/webhooks-examples") as {
  name: string;
  examples: Record<string, unknown>[];
}[];

/** One event as it is sent. */
export interface Sent {
  readonly type: string;
  /** The exact JSON text. */
  readonly raw: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** All payloads, with their event type as first member. */
export function demoEvents(): Sent[] {
  return examples.flatMap(({ name, examples: bodies }) =>
    bodies.map((body) => {
      const action = typeof body.action === "string" ? `.${body.action}` : "";
      const payload = { event_type: `${name}${action}`, ...body };
      return { type: payload.event_type, raw: JSON.stringify(payload), payload };
    }),
  );
}

/** Batches of consecutive events, each below the limit of a request in number and bytes. */
export const batchesOf = (events: readonly Sent[]): Sent[][] =>
  intoCalls(events, ({ raw }) => Buffer.byteLength(raw) + 1, { items: 50, bytes: 900_000 });
