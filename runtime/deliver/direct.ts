import type { DirectPost, DirectPostAnswer } from "../domain/alerts/work.ts";
import { defined } from "../domain/defined.ts";
import { signedHeaders } from "../domain/webhook/webhookPost.ts";
import { checkWebhookUrl } from "../domain/webhook/webhookUrl.ts";
import type { Posting } from "./postAll.ts";

/** Somebody waits for the answer. */
const LIMITS = { timeoutMs: 8_000, restMs: 1_000 } as const;
const unsent = { status_code: null, latency_ms: 0 } as const;

/**
 * One post that is no delivery: an alert to a webhook or to Slack. It goes where deliveries may go, is counted against its host like them,
 * and is signed like them.
 */
export async function postDirectly(
  { tenant, url, body, id, signing_secret }: DirectPost,
  { posting }: { readonly posting: Pick<Posting, "rules" | "hosts" | "post" | "now"> },
): Promise<DirectPostAnswer> {
  const checked = checkWebhookUrl(url, posting.rules);
  if (!checked.ok) return { ...unsent, error: "forbidden_url" };
  if (posting.hosts.enter(checked.url.hostname, tenant) !== undefined) return { ...unsent, error: "host_busy" };
  const bytes = Buffer.from(body);
  const headers = {
    "user-agent": "triggers/1",
    "content-type": "application/json",
    ...(signing_secret === undefined ? {} : signedHeaders(id, bytes, signing_secret, posting.now())),
  };
  const { status, error, latency_ms, excerpt } = await posting.post({ url: checked.url, headers, body: bytes }, LIMITS);
  if (error === null) posting.hosts.accepted(checked.url.hostname);
  await posting.hosts.told();
  return { status_code: status, error, latency_ms, ...defined({ response_excerpt: excerpt }) };
}
