import { createHash, randomBytes } from "node:crypto";
import { defined } from "../defined.ts";
import { type EventText, eventHeads, writeEvents } from "../event.ts";
import { hmacBy } from "../hmac.ts";
import { eventId, lettersOf, type Ulid, ulidAt } from "../ids.ts";
import type { DeliveryTarget } from "../subscription.ts";
import { type Millis, secondsOf } from "../time.ts";
import { hopsOut } from "./hops.ts";

/** What a subscriber receives: body, identity and signature of one post. */

/**
 * The `webhook-id` of a post: `msg_` and 26 characters drawn from a hash over the subscription, the replay and the events
 * it carries. Equal ids mean equal events, in this attempt and in every other,
 * so that a receiver can drop a post that it has had before.
 * @param slices offsets of the events by the first ULID of their batch, in the order of the body
 */
export function webhookId(
  subscriptionId: string,
  replayId: string | undefined,
  slices: readonly { readonly first: Ulid; readonly offsets: readonly number[] }[],
): string {
  const hash = createHash("sha256").update(`${subscriptionId}\n${replayId ?? ""}`);
  for (const { first, offsets } of slices) hash.update(`\n${first}:${offsets.join(",")}`);
  return `msg_${lettersOf(hash.digest().subarray(0, 26))}`;
}

/**
 * The Standard Webhooks signature header: one `v1,` entry for each secret that still signs.
 * Native HMAC: the `standardwebhooks` library hashes in JavaScript, ten times slower on a 100 KB body; tests verify with it.
 */
function signature(
  secrets: DeliveryTarget["secrets"],
  id: string,
  timestamp: number,
  body: Uint8Array,
  now: Millis,
): string {
  return secrets
    .filter(({ expires_at }) => expires_at === undefined || Date.parse(expires_at) > now)
    .map(({ secret }) => {
      const key = secret.replace(/^whsec_/, "");
      return `v1,${hmacBy(key).update(`${id}.${timestamp}.`).update(body).digest("base64")}`;
    })
    .join(" ");
}

/** A signing secret as Standard Webhooks writes it. */
export const newSigningSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;

/** Headers of a signed post that is no delivery. @param secret `whsec_…` @param now milliseconds */
export function signedHeaders(id: string, body: Uint8Array, secret: string, now: Millis): Record<string, string> {
  const timestamp = secondsOf(now);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signature([{ secret }], id, timestamp, body, now),
  };
}

/** Events of one batch that go into a post. */
export interface PostSlice {
  readonly first: Ulid;
  readonly types: readonly (string | null)[];
  readonly offsets: readonly number[];
  /** Payload of each offset, after the transform. */
  readonly payloads: readonly Uint8Array[];
}

/** The events of a slice as they stand in a body of this format. */
export function textsOf(format: DeliveryTarget["format"], slice: PostSlice): EventText[] {
  if (format === "payload") return slice.payloads.map((raw) => ({ head: "", raw }));
  const head = eventHeads(slice.first, slice.types);
  return slice.payloads.map((raw, at) => ({ head: head(slice.offsets[at]!), raw }));
}

/** An array, or the bare object where the subscription takes one event a post. */
export const bodyOf = (target: Pick<DeliveryTarget, "max_batch">, texts: readonly EventText[]): Buffer =>
  target.max_batch === 1 ? writeEvents(texts, "", "") : writeEvents(texts, "[", "]");

/** Headers of a post. A subscription's own come first, so that none of them can stand for one of ours. */
export function headersOf(
  target: DeliveryTarget,
  post: {
    readonly id: string;
    readonly attempt: number;
    readonly slices: readonly Pick<PostSlice, "first" | "offsets">[];
    readonly replay_id?: string | undefined;
    readonly traceparent?: string | undefined;
    /** How often its events came out of webhooks and back in, the most of any. */
    readonly hops?: number | undefined;
  },
  body: Uint8Array,
  now: Millis,
): Record<string, string> {
  const timestamp = secondsOf(now);
  return {
    "user-agent": "triggers/1",
    ...Object.fromEntries(Object.entries(target.headers).map(([name, value]) => [name.toLowerCase(), value])),
    "content-type": "application/json",
    "webhook-id": post.id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signature(target.secrets, post.id, timestamp, body, now),
    "triggers-subscription-id": target.subscription_id,
    "triggers-attempt": String(post.attempt),
    ...(target.format === "payload" ? { "triggers-event-ids": idsOf(post.slices).join(",") } : {}),
    ...defined({ "triggers-replay-id": post.replay_id }),
    ...hopsOut(post.hops ?? 0),
    ...defined({ traceparent: post.traceparent }),
  };
}

const idsOf = (slices: readonly Pick<PostSlice, "first" | "offsets">[]): string[] =>
  slices.flatMap(({ first, offsets }) => offsets.map((offset) => eventId(ulidAt(first, offset))));
