/** Sends the shop's day through the front door, to workflows of which some fail. */
import { setTimeout as pause } from "node:timers/promises";
import type { ApiClient } from "./client.ts";
import { type ShopEvent, shopDay } from "./shop.ts";

export interface ShopOptions {
  readonly api: ApiClient;
  readonly sinkUrl: string;
  /** Within which the day is sent; on a busy machine it takes longer. */
  readonly seconds: number;
  readonly visits: number;
  readonly seed: number;
  say(line: string): void;
}

interface Workflow {
  readonly workflow_id: string;
  /** Of the built-in receiver, which has endpoints that misbehave. */
  readonly path: string;
  readonly event_selector: unknown;
  readonly format?: "payload";
}

const workflows: readonly Workflow[] = [
  { workflow_id: "fulfilment", path: "/shop/fulfilment", event_selector: { event_type: "order.*" } },
  {
    workflow_id: "accounting",
    path: "/shop/accounting",
    event_selector: { event_type: ["order.paid", "order.refunded"], cel: "event.total > 0.0" },
  },
  // Slow: an answer takes two and a half seconds.
  { workflow_id: "customer-care", path: "/script/slow/2500/shop", event_selector: { event_type: "customer.*" } },
  // Fails at first, and is well again.
  { workflow_id: "marketing", path: "/script/fail/6/503/shop", event_selector: { event_type: "cart.*" } },
  // Always fails.
  { workflow_id: "warehouse", path: "/script/status/500/shop", event_selector: "$.parcel" },
  // Gone: the first answer of 410 removes it.
  { workflow_id: "former-partner", path: "/script/status/410/shop", event_selector: "payment.failed" },
];

/** What the shop's own mistakes look like; each is refused, and counted by its reason. */
const MISTAKES: readonly string[] = ['{"event_type": "order.created", "total": }', '["order.created"]', "[]"];

export interface ShopSummary {
  readonly accepted: number;
  readonly refused: number;
}

/** Creates the workflows that are missing. */
async function subscribe({ api, sinkUrl }: ShopOptions): Promise<void> {
  for (const { path, ...workflow } of workflows) {
    const webhook_url = `${sinkUrl}${path}`;
    const { status, text } = await api.answer("POST", "/subscriptions", JSON.stringify({ ...workflow, webhook_url }));
    // A run before this one made it.
    if (status !== 201 && status !== 409) throw new Error(`POST /subscriptions: ${status} ${text}`);
  }
}

/** A change of subscriptions takes effect within seconds: an order is sent until one is matched, however long the machine takes. */
async function effective(api: ApiClient): Promise<number> {
  for (let sent = 1; ; sent += 1) {
    const order = { event_type: "order.created", order_id: `first-${sent}`, total: 1 };
    const { event_id } = await api.json<{ event_id: string }>("POST", "/events", order);
    let read = await api.answer("GET", `/events/${event_id}`);
    while (read.status !== 200) {
      await pause(200);
      read = await api.answer("GET", `/events/${event_id}`);
    }
    if ((JSON.parse(read.text) as { status: string }).status !== "unmatched") return sent;
    await pause(1_000);
  }
}

/** How many events go in one request, as the shop's own software would pack them. */
const PACK = 4;

/** @returns what the platform took, and what it refused */
export async function runShop(options: ShopOptions): Promise<ShopSummary> {
  const { api, seconds, visits, seed, say } = options;
  await subscribe(options);
  let accepted = await effective(api);
  let refused = 0;
  const day = shopDay(visits, seed);
  say(`${day.length} events of a day of the shop, within ${seconds} s`);
  const began = Date.now();
  const due = ({ at }: ShopEvent) => began + at * seconds * 1_000;
  const shopTime = ({ at }: ShopEvent) => new Date(at * 86_400_000).toISOString().slice(11, 19);
  let next = 0;
  for (let request = 0; next < day.length; request += 1) {
    await pause(Math.max(0, due(day[next]!) - Date.now()));
    const pack: ShopEvent[] = [];
    while (next < day.length && pack.length < PACK && (pack.length === 0 || due(day[next]!) <= Date.now() + 50)) {
      pack.push(day[next]!);
      next += 1;
    }
    await api.text(
      "POST",
      "/events",
      JSON.stringify(pack.map((event) => ({ ...event.payload, shop_time: shopTime(event) }))),
    );
    accepted += pack.length;
    if (request % 40 !== 20) continue;
    const { status } = await api.answer("POST", "/events", MISTAKES[(request / 20) % MISTAKES.length]);
    if (status === 400) refused += 1;
  }
  return { accepted, refused };
}

interface Answer {
  readonly totals: Readonly<Record<string, number>>;
  readonly series: readonly {
    readonly key: Readonly<Record<string, string | null>>;
    readonly totals: Readonly<Record<string, number>>;
  }[];
}

/** The numbers of a time, from the platform, once all that was sent is counted in them, and each workflow was tried; one that failed before may wait longer. */
export async function shopNumbers(api: ApiClient, from: Date, { accepted, refused }: ShopSummary): Promise<string[]> {
  const range = { from: from.toISOString(), to: new Date(Date.now() + 60_000).toISOString(), interval: "none" };
  const ask = (measures: readonly string[], group_by: readonly string[] = []) =>
    api.json<Answer>("POST", "/metrics/query", { ...range, measures, group_by, top: 50 });
  const patience = Date.now() + 60_000;
  for (;;) {
    const { totals } = await ask(["events", "refused"]);
    const { series } = await ask(["matched", "attempts"], ["workflow_id"]);
    const tried = Date.now() > patience || series.every(({ totals: own }) => own.matched === 0 || own.attempts! > 0);
    if (totals.events! >= accepted && totals.refused! >= refused && tried) break;
    await pause(500);
  }
  const [all, types, errors, reasons] = await Promise.all([
    ask(["events", "unmatched", "delivered", "failed", "dead_lettered"]),
    ask(["events"], ["event_type"]),
    ask(["attempts"], ["workflow_id", "error"]),
    ask(["refused"], ["reason"]),
  ]);
  const list = ({ series }: Answer, measure: string) =>
    series
      .filter(({ totals }) => totals[measure]! > 0)
      .map(
        ({ key, totals }) =>
          `${Object.values(key)
            .map((value) => value ?? "fine")
            .join(", ")} ${totals[measure]}`,
      )
      .join("; ");
  return [
    `counted: ${Object.entries(all.totals)
      .map(([name, n]) => `${name} ${n}`)
      .join(", ")}`,
    `by type: ${list(types, "events")}`,
    `attempts: ${list(errors, "attempts")}`,
    `refused: ${list(reasons, "refused")}`,
  ];
}
