/** One sandbox event, followed from `POST /events` to a webhook, the inbox and the archive: the only thing that is written. */
import { gunzipSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import type { World } from "./checks.ts";
import { type Finding, ok, refusal, wait, wrong } from "./finding.ts";

export interface Following {
  /** Where callers send their requests, without a slash at the end. */
  readonly url: string;
  /** A sandbox key with the scopes `events:write`, `events:read` and, with `webhook`, `subscriptions`. */
  readonly key: string;
  /** Takes the event for as long as it is followed; without it a sandbox subscription of the customer's has to match. */
  readonly webhook: string | undefined;
  /** How long to wait for the webhook and the inbox, and beyond the stream's buffer for the archive, milliseconds. */
  readonly patienceMs: number;
}

const EVENT_TYPE = "triggers.verify";
const PAUSE_MS = 250;
/** A subscription counts for events accepted 5 s after it was made. */
const IN_FORCE_MS = 5_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the API's answers, of which a few members are read
  readonly json: any;
}

export async function followEvent(
  world: World,
  { url, key, webhook, patienceMs }: Following,
): Promise<readonly Finding[]> {
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...defined({ body: mapDefined(body, (body) => JSON.stringify(body)) }),
    });
    const text = await response.text();
    try {
      return { status: response.status, json: JSON.parse(text) };
    } catch {
      return { status: response.status, json: text };
    }
  };
  const said = ({ status, json }: Answer) =>
    `${status} ${json?.error?.code ?? ""} ${json?.error?.message ?? ""}`.trim();
  let subscription: string | undefined;
  try {
    if (webhook !== undefined) {
      const made = await call("POST", "/subscriptions", {
        workflow_id: "verify",
        webhook_url: webhook,
        event_selector: EVENT_TYPE,
        environment: "sandbox",
      });
      if (made.status !== 201)
        return [
          wrong(
            `the subscription for the test event was refused: ${said(made)}`,
            "Give --webhook a public https address that answers 200.",
          ),
        ];
      subscription = made.json.subscription_id as string;
      await pause(IN_FORCE_MS);
    }
    const sent = world.now();
    const accepted = await call("POST", "/events", { event_type: EVENT_TYPE, sent_at: new Date(sent).toISOString() });
    if (accepted.status !== 202)
      return [wrong(`POST /events answers ${said(accepted)}`, "docs/errors.md says what the code means.")];
    const id = accepted.json.event_id as string;
    const findings = [ok(`POST /events: 202 after ${world.now() - sent} ms, ${id}`)];
    findings.push(await inInbox(call, id, patienceMs, world.now));
    findings.push(...(await archived(world, id, patienceMs)));
    return findings;
  } catch (thrown) {
    return [wrong(`${url}: ${refusal(thrown)}`, "Is the address right, and reachable from here?")];
  } finally {
    if (subscription !== undefined) await call("DELETE", `/subscriptions/${subscription}`).catch(() => undefined);
  }
}

/** Until the event is stored and delivered, or time is up. */
async function inInbox(
  call: (method: string, path: string) => Promise<Answer>,
  id: string,
  patienceMs: number,
  now: () => number,
): Promise<Finding> {
  const began = now();
  let last: Answer | undefined;
  while (now() - began < patienceMs) {
    last = await call("GET", `/events/${id}`);
    const { status } = last.json ?? {};
    if (last.status === 200 && status === "delivered")
      return ok(`${id} is in the inbox and delivered, ${now() - began} ms later`);
    if (last.status === 200 && status === "unmatched")
      return wait(
        `${id} is in the inbox; no sandbox subscription matches ${EVENT_TYPE}`,
        "Give --webhook an address, or subscribe to it in the sandbox, to see a delivery, too.",
      );
    await pause(PAUSE_MS);
  }
  if (last?.status !== 200)
    return wrong(
      `${id} is not in the inbox after ${patienceMs / 1_000} s`,
      "Events wait in the ingest queue: docs/runbooks/queue-age.md.",
    );
  const attempts = (last.json.deliveries ?? []).flatMap(
    (delivery: { attempts: { error?: string; status_code?: number }[] }) => delivery.attempts,
  );
  const failure = attempts.at(-1);
  return wrong(
    `${id} is in the inbox and ${last.json.status} after ${patienceMs / 1_000} s${failure === undefined ? ", without an attempt" : `: ${failure.error ?? ""} ${failure.status_code ?? ""}`.trimEnd()}`,
    failure === undefined
      ? "Messages wait in the delivery queue: docs/runbooks/queue-age.md."
      : "Does the webhook answer 2xx within 10 s?",
  );
}

/** Until the archive holds the event, or the stream's buffer and some time have passed. */
async function archived(world: World, id: string, patienceMs: number): Promise<readonly Finding[]> {
  const stream = world.deployment.resources.find(
    ({ type }) => type === "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
  );
  const bucket = world.deployment.outputs.archiveBucket;
  if (stream === undefined || typeof bucket !== "string") return [];
  const settings = stream.outputs.extendedS3Configuration as { bufferingInterval?: number } | undefined;
  const until = world.now() + (settings?.bufferingInterval ?? 300) * 1_000 + patienceMs;
  const s3 = new S3Client({ region: "us-east-1", ...world.deployment.client });
  const seen = new Set<string>();
  // The newest folders alone: events lie under the hour in which they were archived.
  const since = new Date(world.now() - 60_000);
  while (world.now() < until) {
    for await (const { Key, LastModified } of objectsOf(s3, bucket)) {
      if (Key === undefined || seen.has(Key) || (LastModified ?? since) < since) continue;
      seen.add(Key);
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const text = gunzipSync(Buffer.from((await Body?.transformToByteArray()) ?? [])).toString("utf8");
      if (text.includes(id)) return [ok(`${id} is in the archive, s3://${bucket}/${Key}`)];
    }
    await pause(PAUSE_MS);
  }
  return [wrong(`${id} is not in the archive, though its buffer's time has passed`, "docs/runbooks/archive.md")];
}

async function* objectsOf(s3: S3Client, Bucket: string) {
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken }));
    yield* page.Contents ?? [];
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
}
