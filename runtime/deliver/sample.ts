import { errorText, type Log } from "../aws/log.ts";
import { defined } from "../domain/defined.ts";
import { newUlid } from "../domain/ids.ts";
import type { DeliveryTest, DeliveryTestAnswer } from "../domain/service.ts";
import { checkWebhookUrl } from "../domain/webhook/webhookUrl.ts";
import { afterGone } from "./effects.ts";
import type { Delivery } from "./plan.ts";
import type { Posting } from "./postAll.ts";
import { bodyOf, headersOf, newSigningSecret, textsOf, webhookId } from "./request.ts";
import type { Targets } from "./targets.ts";

/** Somebody waits for the answer. */
const TEST_LIMITS = { timeoutMs: 5_000, restMs: 1_000 } as const;
const unsent = { delivered: false, status_code: null, latency_ms: 0 } as const;

/** Sends a made-up event to a subscription's webhook now, as it would get a real one; nothing is kept of it. */
export async function sendSample(
  { tenant, subscription_id, event, wrongly_signed }: DeliveryTest,
  ports: Parameters<typeof afterGone>[2] & {
    readonly log: Log;
    readonly targets: Targets;
    readonly posting: Posting;
  },
): Promise<DeliveryTestAnswer> {
  const { targets, posting } = ports;
  const target = await targets.latest({ tenant, subscription_id });
  if (target === null) throw new Error(`${subscription_id} is not a subscription of ${tenant}`);
  const at = posting.now();
  const first = newUlid(at);
  const types = [event.event_type];
  const delivery: Delivery = {
    messageId: "",
    tenant,
    subscription_id,
    first,
    count: 1,
    types,
    indexes: [0],
    remaining: [0],
    deleted: new Set(),
    attempts: [],
    schedule_from: 0,
    expiry: 0,
    only: true,
    manual: true,
    probe: false,
    events: [Buffer.from(JSON.stringify(event.payload))],
  };
  const payload = (await posting.payloads(target, delivery, [0]))(0);
  if ("error" in payload) return { request: { headers: {}, body: "" }, ...unsent, error: payload.error };
  const slice = { first, types, offsets: [0], payloads: [payload] };
  const body = bodyOf(target, textsOf(target.format, slice));
  const id = webhookId(subscription_id, undefined, [slice]);
  const signing = wrongly_signed === true ? { ...target, secrets: [{ secret: newSigningSecret() }] } : target;
  const headers = headersOf(signing, { id, attempt: 1, slices: [slice] }, body, at);
  const own = new Set(Object.keys(target.headers).map((name) => name.toLowerCase()));
  const shown = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, own.has(name) ? "***" : value]),
  );
  const request = { headers: shown, body: body.toString("utf8") };
  const checked = checkWebhookUrl(target.webhook_url, posting.rules);
  if (!checked.ok) return { request, ...unsent, error: "forbidden_url" };
  if (posting.hosts.enter(checked.url.hostname, tenant) !== undefined)
    return { request, ...unsent, error: "host_busy" };
  const result = await posting.post({ url: checked.url, headers, body }, TEST_LIMITS);
  if (result.error === null) posting.hosts.accepted(checked.url.hostname);
  await posting.hosts.told();
  // What it says to a post that it should refuse is no word about the subscription.
  if (result.status === 410 && wrongly_signed !== true) {
    try {
      await afterGone(tenant, subscription_id, ports);
    } catch (error) {
      ports.log("error", "deliver.effects_failed", { tenant, subscription_id, error: errorText(error) });
    }
  }
  return {
    request,
    delivered: result.error === null,
    status_code: result.status,
    latency_ms: result.latency_ms,
    error: result.error,
    ...defined({ response_excerpt: result.excerpt }),
  };
}
