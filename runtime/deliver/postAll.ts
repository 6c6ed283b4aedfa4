import type { DeliveryTarget } from "../domain/subscription.ts";
import { checkWebhookUrl, type UrlRules } from "../domain/webhookUrl.ts";
import { type Delivery, type PlannedPost, planPosts, toldReplay } from "./plan.ts";
import type { PostRequest, PostResult } from "./post.ts";
import { bodyOf, headersOf, webhookId } from "./request.ts";
import type { PostDone } from "./settle.ts";
import { traceparentFor } from "./spans.ts";

/** Makes an invocation's posts, many at a time, few to each endpoint. */

/** Posts at once in an invocation. */
const CONCURRENT_POSTS = 50;
/** Posts at once to one subscription's endpoint, in an invocation. */
export const CONCURRENT_PER_ENDPOINT = 5;
/** Later than this no post is begun: it must end, and be kept, before the function's 60 s are up. */
const BEGIN_WITHIN_MS = 40_000;
/** A post that took longer makes its endpoint a slow one, for this long. */
export const SLOW_MS = 2_000;
const SLOW_FOR_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/** Which endpoints answered slowly a short while ago, as far as this execution environment has seen. */
export interface SlowEndpoints {
  has(subscriptionId: string): boolean;
  took(subscriptionId: string, latencyMs: number): void;
}

export function slowEndpoints(now: () => number): SlowEndpoints {
  const until = new Map<string, number>();
  return {
    has: (id) => (until.get(id) ?? 0) > now(),
    took(id, latencyMs) {
      if (latencyMs < SLOW_MS) until.delete(id);
      else {
        if (until.size >= MAX_REMEMBERED) until.clear();
        until.set(id, now() + SLOW_FOR_MS);
      }
    },
  };
}

export interface Posting {
  readonly rules: UrlRules;
  readonly slow: SlowEndpoints;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  post(request: PostRequest): Promise<PostResult>;
  /** Told of an endpoint that has not answered for two seconds: the others need not find out one after the other. */
  suspect(target: DeliveryTarget): void;
  /** Part of the traces begun here that is recorded; undefined where spans are not exported. */
  readonly traceRatio?: number | undefined;
  /** The payloads of a delivery's events as the subscriber gets them. @throws Error when enrichment can't be looked up */
  payloads(target: DeliveryTarget, delivery: Delivery, offsets: readonly number[]): Promise<readonly Uint8Array[]>;
}

/** What is to be posted to one subscription. */
export interface ToPost {
  readonly target: DeliveryTarget;
  readonly deliveries: readonly Delivery[];
}

/** @param failed told of deliveries whose payloads could not be made; they are left out */
export async function postAll(
  toPost: readonly ToPost[],
  posting: Posting,
  failed: (deliveries: readonly Delivery[], error: unknown) => void,
): Promise<PostDone[]> {
  const deadline = posting.now() + BEGIN_WITHIN_MS;
  const done: PostDone[] = [];
  const slots = semaphore(CONCURRENT_POSTS);
  await Promise.all(
    toPost.map(async ({ target, deliveries }) => {
      const posts = await plan(target, deliveries, posting, failed);
      const own = semaphore(CONCURRENT_PER_ENDPOINT);
      let hangs = false;
      await Promise.all(
        posts.map(async (post) => {
          const releaseOwn = await own();
          const release = await slots();
          try {
            const leftOut = hangs || posting.now() > deadline;
            const entry = leftOut ? leaveOut(post, posting) : await make(post, posting);
            hangs ||= entry.result?.error === "timeout" || entry.result?.error === "connect_timeout";
            done.push(entry);
          } finally {
            release();
            releaseOwn();
          }
        }),
      );
    }),
  );
  return done;
}

/** Deliveries share a post only with those of the same replays and number of attempts: it names one of each. */
async function plan(
  target: DeliveryTarget,
  deliveries: readonly Delivery[],
  posting: Posting,
  failed: (deliveries: readonly Delivery[], error: unknown) => void,
): Promise<PlannedPost[]> {
  const payloads = new Map<Delivery, readonly Uint8Array[]>();
  await Promise.all(
    deliveries.map(async (delivery) => {
      const offsets = delivery.remaining.filter((offset) => !delivery.deleted.has(offset));
      try {
        payloads.set(delivery, await posting.payloads(target, delivery, offsets));
      } catch (error) {
        failed([delivery], error);
      }
    }),
  );
  const groups = Map.groupBy(
    deliveries.filter((delivery) => payloads.has(delivery)),
    ({ replay_id, retried_by, attempts }) => `${replay_id ?? ""} ${retried_by ?? ""} ${attempts.length}`,
  );
  return [...groups.values()].flatMap((group) => planPosts(target, group, (delivery) => payloads.get(delivery)!));
}

const idOf = ({ target, parts }: PlannedPost): string =>
  webhookId(target.subscription_id, parts[0]!.delivery.replay_id, parts);

const leaveOut = (post: PlannedPost, { now }: Posting): PostDone => ({
  post,
  id: idOf(post),
  at: now(),
  result: undefined,
});

async function make(post: PlannedPost, posting: Posting): Promise<PostDone> {
  const { target, parts, texts, attempt } = post;
  const id = idOf(post);
  const at = posting.now();
  const checked = checkWebhookUrl(target.webhook_url, posting.rules);
  if (!checked.ok) return { post, id, at, result: { status: null, error: "forbidden_url", latency_ms: 0 } };
  const body = bodyOf(target, texts);
  const replay_id = toldReplay(parts[0]!.delivery);
  const traceparent = traceparentFor(post, id, at, posting.traceRatio);
  const headers = headersOf(target, { id, attempt, slices: parts, replay_id, traceparent }, body, at);
  const late = setTimeout(() => {
    posting.slow.took(target.subscription_id, SLOW_MS);
    posting.suspect(target);
  }, SLOW_MS);
  const result = await posting.post({ url: checked.url, headers, body }).finally(() => clearTimeout(late));
  posting.slow.took(target.subscription_id, result.latency_ms);
  return { post, id, at, result };
}

/** Lets this many in at once, the others in the order in which they came. */
function semaphore(size: number): () => Promise<() => void> {
  let free = size;
  const waiting: (() => void)[] = [];
  const release = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return release;
  };
}
