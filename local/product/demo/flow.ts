/**
 * The demo: every payload singly and in batches, subscriptions for a few of their types, and the proof that inbox,
 * webhooks and archive hold the same bytes.
 */
import { createHmac } from "node:crypto";
import type { ArchiveReader } from "./archive.ts";
import { type ApiClient, until } from "./client.ts";
import { batchesOf, demoEvents, type Sent } from "./payloads.ts";

export interface DemoOptions {
  readonly api: ApiClient;
  readonly sinkUrl: string;
  readonly archive: ArchiveReader;
  /** Keeps this run's webhook URLs apart from those of others. */
  readonly run: string;
  /** Longest wait for deliveries and for the archive, milliseconds. */
  readonly patienceMs: number;
}

/** One line of the table. */
export interface DemoRow {
  readonly what: string;
  readonly expected: number;
  readonly found: number;
}

interface Accepted extends Sent {
  readonly event_id: string;
}

interface DemoSubscription {
  readonly name: string;
  readonly selector: unknown;
  matches(event: Sent): boolean;
}

/** One of each kind of selector. */
const subscriptions: readonly DemoSubscription[] = [
  { name: "issues", selector: { event_type: "issues.*" }, matches: ({ type }) => /^issues\.[^.]+$/.test(type) },
  { name: "push", selector: "push", matches: ({ type }) => type === "push" },
  { name: "created", selector: "$.action == 'created'", matches: ({ payload }) => payload.action === "created" },
  {
    name: "opened",
    selector: { cel: 'event.action == "opened" && has(event.pull_request)' },
    matches: ({ payload }) => payload.action === "opened" && payload.pull_request !== undefined,
  },
];

interface Created {
  readonly subscription_id: string;
  readonly signing_secret: string;
}

interface Webhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** How the event begins wherever it appears; what follows is the payload as it was sent. */
const textOf = ({ event_id, type, raw }: Accepted, receivedAt: string): string =>
  `{"event_id":"${event_id}","event_type":${JSON.stringify(type)},"received_at":"${receivedAt}","payload":${raw}`;

/** Standard Webhooks, by hand. */
function isSigned({ headers, body }: Webhook, secret: string): boolean {
  const content = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
  return (headers["webhook-signature"] ?? "").split(" ").includes(signature);
}

async function send(api: ApiClient, events: readonly Sent[]): Promise<Accepted[]> {
  const accepted: Accepted[] = [];
  // A few at a time, as a caller would.
  const queue = [...events];
  const one = async () => {
    for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
      const { event_id } = JSON.parse(await api.text("POST", "/events", event.raw)) as { event_id: string };
      accepted.push({ ...event, event_id });
    }
  };
  await Promise.all([one(), one(), one(), one()]);
  for (const batch of batchesOf(events)) {
    const text = await api.text("POST", "/events", `[${batch.map(({ raw }) => raw).join(",")}]`);
    const { events: ids } = JSON.parse(text) as { events: { event_id: string }[] };
    accepted.push(...batch.map((event, i) => ({ ...event, event_id: (ids[i] as { event_id: string }).event_id })));
  }
  return accepted;
}

interface Seen {
  readonly status: string;
  readonly received_at: string;
}

/** What the inbox says of each event, and which of them it holds byte for byte. */
async function lookup(
  api: ApiClient,
  accepted: readonly Accepted[],
  seen: Map<string, Seen>,
  exact: Set<string>,
): Promise<void> {
  for (let at = 0; at < accepted.length; at += 100) {
    const some = accepted.slice(at, at + 100);
    const text = await api.text(
      "POST",
      "/events/lookup",
      JSON.stringify({ event_ids: some.map(({ event_id }) => event_id) }),
    );
    const { events } = JSON.parse(text) as { events: (Seen & { event_id: string })[] };
    for (const event of events) seen.set(event.event_id, event);
    for (const event of some) {
      const found = seen.get(event.event_id);
      if (found !== undefined && text.includes(textOf(event, found.received_at))) exact.add(event.event_id);
    }
  }
}

const finished = new Set(["delivered", "unmatched"]);

/** @returns the table; everything is well when `found` equals `expected` in each row */
export async function runDemo({ api, sinkUrl, archive, run, patienceMs }: DemoOptions): Promise<DemoRow[]> {
  const created = new Map<string, Created>();
  for (const { name, selector } of subscriptions) {
    const webhook_url = `${sinkUrl}/demo/${run}/${name}`;
    created.set(
      name,
      await api.json<Created>("POST", "/subscriptions", {
        workflow_id: `demo-${name}`,
        webhook_url,
        event_selector: selector,
      }),
    );
  }
  const since = new Date().toISOString();
  try {
    // A change of subscriptions takes effect within five seconds, later on a busy machine: the demo asks until a sample comes through.
    await effective(api, sinkUrl, run);
    const accepted = await send(api, demoEvents());
    const seen = new Map<string, Seen>();
    const exact = new Set<string>();
    await until(patienceMs, async () => {
      await lookup(api, accepted, seen, exact);
      return accepted.every(({ event_id }) => finished.has(seen.get(event_id)?.status ?? ""));
    });
    const rows: DemoRow[] = [
      { what: "accepted by POST /events", expected: demoEvents().length * 2, found: accepted.length },
      { what: "in the inbox, byte for byte", expected: accepted.length, found: exact.size },
      {
        what: "with their final status",
        expected: accepted.length,
        found: accepted.filter(({ event_id }) => finished.has(seen.get(event_id)?.status ?? "")).length,
      },
    ];
    for (const { name, matches } of subscriptions) {
      const { signing_secret } = created.get(name) as Created;
      const expected = accepted.filter(matches);
      const webhooks = await webhooksAt(sinkUrl, `/demo/${run}/${name}`, since);
      const bodies = webhooks.map(({ body }) => body).join("\n");
      const found = expected.filter((event) =>
        bodies.includes(textOf(event, seen.get(event.event_id)?.received_at ?? "")),
      );
      rows.push({ what: `webhook "${name}", byte for byte`, expected: expected.length, found: found.length });
      rows.push({
        what: `webhook "${name}", requests signed`,
        expected: webhooks.length,
        found: webhooks.filter((webhook) => isSigned(webhook, signing_secret)).length,
      });
    }
    let archived = 0;
    await until(patienceMs, async () => {
      const text = await archive.read();
      archived = accepted.filter((event) =>
        text.includes(textOf(event, seen.get(event.event_id)?.received_at ?? "")),
      ).length;
      return archived === accepted.length;
    });
    rows.push({ what: "in the archive, byte for byte", expected: accepted.length, found: archived });
    return rows;
  } finally {
    for (const { subscription_id } of created.values()) await api.text("DELETE", `/subscriptions/${subscription_id}`);
  }
}

async function webhooksAt(sinkUrl: string, path: string, since: string): Promise<readonly Webhook[]> {
  const response = await fetch(`${sinkUrl}/requests?path=${encodeURIComponent(path)}&since=${since}`);
  return ((await response.json()) as { requests: Webhook[] }).requests;
}

async function effective(api: ApiClient, sinkUrl: string, run: string): Promise<void> {
  await until(Number.POSITIVE_INFINITY, async () => {
    await api.text("POST", "/events", JSON.stringify({ event_type: "push", action: "created", demo: run }));
    return (await webhooksAt(sinkUrl, `/demo/${run}/push`, "2000-01-01T00:00:00Z")).length > 0;
  });
}
