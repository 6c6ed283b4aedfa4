/**
 * How fast lists of events and deliveries are, of the platform that runs here (`npm start`; `TRIGGERS_STATE` names another's state): as the
 * console asks for them, 50 rows a page, newest first, over 90 days. Then the list of events in a real browser, from the visit of the page
 * until its rows are there. `npm run past` before it gives the lists something to read. Run it on a quiet machine.
 */
import { closeBrowser, openPage, signInAs } from "../support/browser.ts";
import { median } from "../support/median.ts";
import { runningPlatform } from "../support/running.ts";
import { visits } from "../support/visits.ts";

const { url, api_key } = runningPlatform();
const ROUNDS = 7;
const HOUR = 3_600_000;
const DAYS = 90;
const now = Date.now();
const iso = (at: number): string => new Date(at).toISOString();

interface Answer {
  readonly events?: readonly unknown[];
  readonly deliveries?: readonly unknown[];
  readonly next_cursor: string | null;
}

async function ask(path: string): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${api_key}` } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`GET ${path} answered ${response.status}: ${text.slice(0, 200)}`);
  return JSON.parse(text) as Answer;
}

/** Asks for a page of a list some times. */
async function measure(what: string, path: string): Promise<Answer> {
  const took: number[] = [];
  let answer: Answer | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    answer = await ask(path);
    took.push(performance.now() - began);
  }
  const rows = (answer!.events ?? answer!.deliveries ?? []).length;
  console.log(
    `${what}: median ${median(took).toFixed(0)} ms, slowest ${Math.max(...took).toFixed(0)} ms, ${rows} rows${answer!.next_cursor === null ? ", the last page" : ""}`,
  );
  return answer!;
}

const inbox = (more: Readonly<Record<string, string>>): string =>
  `/inbox?${new URLSearchParams({ from: iso(now - DAYS * 24 * HOUR), acknowledged: "all", limit: "50", ...more })}`;
const first = await measure("events, newest", inbox({}));
await measure("events, the page after it", inbox({ cursor: first.next_cursor ?? "" }));
await measure("events of one type", inbox({ event_type: "order.created" }));
await measure("events of a pattern of types", inbox({ event_type: "order.*" }));
await measure("events that were dead-lettered", inbox({ status: "dead_lettered" }));
await measure("events that matched nothing", inbox({ status: "unmatched" }));
await measure(
  "events by CEL, one of twenty",
  inbox({ filter: 'event.event_type == "order.paid" && event.amount > 500' }),
);
await measure("events by CEL, none at all", inbox({ filter: "event.amount > 1000000" }));
await measure("events by text, common", inbox({ q: "someone4711@example.com" }));
await measure("events by text, none at all", inbox({ q: "nothing holds this" }));
await measure("events, oldest", inbox({ order: "asc" }));
await measure(
  "events of the first hour, oldest of 90 days",
  inbox({ from: iso(now - DAYS * 24 * HOUR), to: iso(now - DAYS * 24 * HOUR + HOUR) }),
);
const deliveries = (more: Readonly<Record<string, string>>): string =>
  `/deliveries?${new URLSearchParams({ from: iso(now - DAYS * 24 * HOUR), limit: "50", ...more })}`;
await measure("deliveries, newest", deliveries({}));
await measure("deliveries, dead-lettered", deliveries({ status: "dead_lettered" }));
await measure("deliveries, failed", deliveries({ status: "failed" }));

const page = await openPage();
page.setDefaultTimeout(90_000);
await signInAs(page, url, "Owner", "/console/settings");
for (const [name, query] of [
  ["24 h", "range=24h"],
  ["30 d", "range=30d"],
  ["30 d, one type", "range=30d&type=order.created"],
  ["90 d, dead-lettered", `range=custom&from=${iso(now - DAYS * 24 * HOUR)}&status=dead_lettered`],
] as const) {
  const settled = () =>
    page.evaluate(`new Promise((resolve) => {
      const look = () => document.querySelector("main tbody tr") !== null || document.body.innerText.includes("events in this range") ? resolve() : requestAnimationFrame(look);
      look();
    })`);
  const took = await visits({ page, url, rounds: ROUNDS }, `/events?${query}`, settled);
  console.log(
    `page of events, ${name}: median ${median(took).toFixed(0)} ms, slowest ${Math.max(...took).toFixed(0)} ms until its rows are there`,
  );
}
await closeBrowser();
