import { ageOf } from "../domain/age.ts";
import type { DeliveryTarget } from "../domain/subscription.ts";
import type { Millis } from "../domain/time.ts";
import { checkWebhookUrl, type UrlRules } from "../domain/webhook/webhookUrl.ts";
import { attemptsMade } from "../store/deliveries/keptAttempts.ts";
import type { Hosts } from "./hosts.ts";
import { type Delivery, type PayloadOf, type Planned, type PlannedPost, planPosts, toldReplay } from "./plan.ts";
import type { PostLimits, PostRequest, PostResult } from "./post.ts";
import { bodyOf, headersOf, webhookId } from "./request.ts";
import type { PostDone } from "./settle.ts";
import { traceparentFor } from "./spans.ts";
import { type Unmade, unmade } from "./unmade.ts";

/** Makes an invocation's posts, many at a time, few to each endpoint, and tells each as it ends. */

/** Posts at once in an invocation. */
const CONCURRENT_POSTS = 50;
/** Posts at once to one subscription's endpoint, in an invocation. */
export const CONCURRENT_PER_ENDPOINT = 5;
/** Later than this no post is begun: it must end, and be kept, before the function's 60 s are up. */
const BEGIN_WITHIN_MS = 40_000;
/** Milliseconds. A post that takes longer makes its endpoint a slow one, for the same time. */
export const SLOW_MS = 2_000;
const SLOW_FOR_MS = 60_000;
const MAX_REMEMBERED = 10_000;

/** Which endpoints answered slowly a short while ago, as far as this execution environment has seen. */
export interface SlowEndpoints {
  has(subscriptionId: string): boolean;
  took(subscriptionId: string, latencyMs: Millis): void;
}

export function slowEndpoints(now: () => Millis): SlowEndpoints {
  const slowAt = new Map<string, number>();
  return {
    has: (id) => ageOf(slowAt.get(id) ?? Number.NEGATIVE_INFINITY, now()) < SLOW_FOR_MS,
    took(id, latencyMs) {
      if (latencyMs < SLOW_MS) slowAt.delete(id);
      else {
        if (slowAt.size >= MAX_REMEMBERED) slowAt.clear();
        slowAt.set(id, now());
      }
    },
  };
}

export interface Posting {
  readonly rules: UrlRules;
  readonly slow: SlowEndpoints;
  readonly hosts: Hosts;
  /** Milliseconds since the epoch. */
  now(): Millis;
  post(request: PostRequest, limits?: PostLimits): Promise<PostResult>;
  /** What has become of a subscription, as of a second ago at most. @throws Error when that can't be told */
  standing(target: DeliveryTarget): Promise<DeliveryTarget["status"]>;
  /** Called when an endpoint has not answered for two seconds, so that all other posts to it know at once. */
  suspect(target: DeliveryTarget): void;
  /** Part of the traces begun here that is recorded; undefined where spans are not exported. */
  readonly traceRatio?: number | undefined;
  /** Looks up what a delivery's payloads take; they are made one by one. */
  payloads(target: DeliveryTarget, delivery: Delivery, offsets: readonly number[]): Promise<PayloadOf>;
}

/** What is to be posted to one subscription. */
export interface ToPost {
  readonly target: DeliveryTarget;
  /** Whether they came from the queue of first attempts, where a slow endpoint keeps others waiting. */
  readonly first: boolean;
  readonly deliveries: readonly Delivery[];
}

/**
 * @param ended told of posts that stand or fall together as soon as the last of them has ended: the one post of several
 * deliveries, or the posts of one large delivery
 */
export async function postAll(
  toPost: readonly ToPost[],
  posting: Posting,
  ended: (done: readonly PostDone[]) => void,
): Promise<void> {
  const deadline = posting.now() + BEGIN_WITHIN_MS;
  const slots = semaphore(CONCURRENT_POSTS);
  await Promise.all(
    toPost.map(async ({ target, first, deliveries }) => {
      const own = semaphore(CONCURRENT_PER_ENDPOINT);
      const running: Promise<void>[] = [];
      let hangs = false;
      let wait_ms: Millis | undefined;
      const { subscription_id } = target;
      /** The rest goes to the queue of retries, at once. */
      const elsewhere = () => first && posting.slow.has(subscription_id);
      const leaveOut = () => elsewhere() || hangs || wait_ms !== undefined || posting.now() > deadline;
      for (const group of together(deliveries)) {
        const plan = planPosts(
          target,
          group,
          (delivery, offsets) => payloads(target, delivery, offsets, posting),
          leaveOut,
        );
        let unit = newUnit();
        for (;;) {
          const releaseOwn = await own();
          const release = await slots();
          const { value: planned, done: over } = await plan.next();
          if (planned === undefined || over === true) {
            release();
            releaseOwn();
            break;
          }
          const current = unit;
          if (planned.last) unit = newUnit();
          current.open += planned.last ? 0 : 1;
          running.push(
            make(planned, posting, leaveOut()).then((made) => {
              wait_ms ??= made.wait_ms;
              hangs ||= made.result?.error === "timeout" || made.result?.error === "connect_timeout";
              const wait = wait_ms ?? (elsewhere() && !hangs ? 0 : undefined);
              const entry = made.result === undefined ? { ...made, wait_ms: wait } : made;
              release();
              releaseOwn();
              current.done.push(entry);
              if (planned.last) current.closed = true;
              if (current.closed && current.done.length === current.open + 1) ended(current.done);
            }),
          );
        }
      }
      await Promise.all(running);
    }),
  );
}

/** Posts that stand or fall together. */
interface Unit {
  readonly done: PostDone[];
  /** Posts but the last. */
  open: number;
  closed: boolean;
}
const newUnit = (): Unit => ({ done: [], open: 0, closed: false });

/** Deliveries share a post only with those of the same replays and number of attempts: it names one of each. */
const together = (deliveries: readonly Delivery[]): Iterable<Delivery[]> =>
  Map.groupBy(deliveries, (each) => `${each.replay_id ?? ""} ${each.retried_by ?? ""} ${attemptsMade(each)}`).values();

/** Never rejects: a lookup that fails is told by each event. */
async function payloads(
  target: DeliveryTarget,
  delivery: Delivery,
  offsets: readonly number[],
  posting: Posting,
): Promise<PayloadOf> {
  const { unreadable } = delivery;
  if (unreadable !== undefined) return () => unreadable;
  try {
    return await posting.payloads(target, delivery, offsets);
  } catch (error) {
    const why = unmade("enrich_failed", error);
    return () => why;
  }
}

const idOf = ({ target, parts }: PlannedPost): string =>
  webhookId(target.subscription_id, parts[0]!.delivery.replay_id, parts);

/** Never rejects: what goes wrong before a request is made is an attempt that failed. */
async function make({ post, content }: Planned, posting: Posting, leftOut: boolean): Promise<PostDone> {
  const at = posting.now();
  let id = "";
  if (content === undefined || leftOut) return { post, id, at, result: undefined };
  const failed = (why: Unmade): PostDone => ({
    post,
    id,
    at,
    result: { status: null, error: why.error, latency_ms: 0, unmade: why },
  });
  if ("error" in content) return failed(content);
  let step: Unmade["error"] = "body_failed";
  try {
    const { target, parts, attempt } = post;
    id = idOf(post);
    const checked = checkWebhookUrl(target.webhook_url, posting.rules);
    if (!checked.ok) return { post, id, at, result: { status: null, error: "forbidden_url", latency_ms: 0 } };
    const body = bodyOf(target, content);
    step = "sign_failed";
    const replay_id = toldReplay(parts[0]!.delivery);
    const traceparent = traceparentFor(post, id, at, posting.traceRatio);
    const hops = Math.max(...parts.map(({ delivery }) => delivery.hops ?? 0));
    const headers = headersOf(target, { id, attempt, slices: parts, replay_id, traceparent, hops }, body, at);
    if (!(await stands(post, posting))) return { post, id, at, result: undefined };
    // A probe is one post, and others wait for what it finds.
    const wait_ms = posting.hosts.enter(checked.url.hostname, target.tenant);
    if (wait_ms !== undefined && !parts.some(({ delivery }) => delivery.probe))
      return { post, id, at, result: undefined, wait_ms };
    return { post, id, at, result: await send(target, { url: checked.url, headers, body }, posting) };
  } catch (error) {
    return failed(unmade(step, error));
  }
}

/** Whether it is to be sent still: it may have waited for its turn, while its subscription was disabled or removed. */
async function stands({ target, parts }: PlannedPost, posting: Posting): Promise<boolean> {
  try {
    const status = await posting.standing(target);
    return status === "active" || (status === "disabled" && parts.every(({ delivery }) => delivery.manual));
  } catch {
    return false;
  }
}

async function send(target: DeliveryTarget, request: PostRequest, posting: Posting): Promise<PostResult> {
  const late = setTimeout(() => {
    posting.slow.took(target.subscription_id, SLOW_MS);
    posting.suspect(target);
  }, SLOW_MS);
  try {
    const result = await posting.post(request);
    posting.slow.took(target.subscription_id, result.latency_ms);
    if (result.error === null) posting.hosts.accepted(request.url.hostname);
    return result;
  } finally {
    clearTimeout(late);
  }
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
