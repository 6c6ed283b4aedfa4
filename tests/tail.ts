/**
 * `npm run tail -- [--minutes 60] [--every 5] [--rate 100]`: whether the list of events stays as small as it is while its live tail runs for
 * long. It opens the page in a real browser, sends events to the platform that runs here (`TRIGGERS_STATE` names another's state), and tells
 * what the page holds once its garbage is collected: JavaScript's heap, nodes of the document, listeners; and how many rows it shows.
 * docs/performance.md has the figures.
 */
import { readArguments } from "../local/arguments.ts";
import { closeBrowser, openPage, signInAs } from "./support/browser.ts";
import { runningPlatform } from "./support/running.ts";

const { values } = readArguments({
  options: {
    minutes: { type: "string", default: "60" },
    every: { type: "string", default: "5" },
    rate: { type: "string", default: "100" },
  },
});
const [minutes, every, rate] = [values.minutes, values.every, values.rate].map(Number) as [number, number, number];
if (!(minutes > 0 && every > 0 && rate > 0)) {
  process.stderr.write("--minutes, --every and --rate take numbers above 0\n");
  process.exit(2);
}

const MINUTE = 60_000;
/** So many requests a second, each with its share of the second's events. */
const REQUESTS = 10;
/** Events of a second at most: below the limit that a customer begins with. */
const MOST = 800;
const { url, api_key } = runningPlatform();
const page = await openPage();
page.setDefaultTimeout(90_000);
await signInAs(page, url, "Owner", "/console/events?range=1h");
await page.getByRole("status").filter({ hasText: "Live" }).waitFor();
const session = await page.context().newCDPSession(page);
await session.send("Performance.enable");

let [sent, failed] = [0, 0];
const began = Date.now();
async function send(): Promise<void> {
  // Events that could not be sent in time are sent now, as a caller with a queue sends them, within the limit of a key.
  const due = Math.floor(((Date.now() - began) / 1_000) * rate) - sent;
  if (due <= 0) return;
  const events = Array.from({ length: Math.min(due, MOST / REQUESTS) }, (_, i) => ({
    ...{ event_type: "tail.tick", n: sent + i, at: new Date().toISOString() },
  }));
  sent += events.length;
  const response = await fetch(`${url}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${api_key}`, "content-type": "application/json" },
    body: JSON.stringify(events),
  }).catch(() => undefined);
  if (response?.status !== 202 && response?.status !== 207) failed += events.length;
  await response?.text();
}

async function tell(): Promise<void> {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name: string): number => metrics.find((each) => each.name === name)!.value;
  const rows = page.locator("main tbody tr");
  const count = await rows.count();
  const newest = count === 0 ? null : await rows.first().locator("time").first().getAttribute("datetime");
  const shown =
    newest === null
      ? "no rows"
      : `${count} rows, the newest ${((Date.now() - Date.parse(newest)) / 1_000).toFixed(1)} s old`;
  process.stdout.write(
    `after ${((Date.now() - began) / MINUTE).toFixed(0)} min, ${sent.toLocaleString("en")} events sent: heap ${(of("JSHeapUsedSize") / 1e6).toFixed(1)} MB, ${of("Nodes")} nodes, ${of("JSEventListeners")} listeners, ${shown}\n`,
  );
}

await tell();
// A session ends when nothing is touched for a quarter of an hour: somebody is there.
const touching = setInterval(() => void page.mouse.wheel(0, 1).catch(() => undefined), MINUTE);
const sending = setInterval(() => void send(), 1_000 / REQUESTS);
for (let at = every; at <= minutes; at += every) {
  await new Promise((resolve) => setTimeout(resolve, began + at * MINUTE - Date.now()));
  await tell();
}
clearInterval(sending);
clearInterval(touching);
if (failed > 0) process.stdout.write(`${failed} events were not accepted\n`);
await closeBrowser();
