/**
 * How fast dashboards are in a real browser, of the platform that runs here (`npm start`; `TRIGGERS_STATE` names another's state). Measured
 * is the time from the visit of a page until every tile shows its figures, and from the choice of a filter until the page is painted anew and
 * until every tile shows what the filter says. The number of stored events is printed with them. Run it on a quiet machine.
 */
import type { Page } from "playwright-core";
import { closeBrowser, openPage, signInAs } from "../support/browser.ts";
import { median } from "../support/median.ts";
import { runningPlatform } from "../support/running.ts";
import { visits } from "../support/visits.ts";

const { url } = runningPlatform();
const ROUNDS = 7;
const SETTLED = `document.querySelectorAll('section[aria-busy="true"]').length === 0 && document.querySelectorAll("main section[aria-label]").length > 3 && !document.body.innerText.includes("Loading…")`;

const tell = (what: string, values: readonly number[]): void =>
  console.log(
    `${what}: median ${median(values).toFixed(0)} ms, slowest ${Math.max(...values).toFixed(0)} ms of ${values.length}`,
  );

/**
 * Milliseconds, by the page's own clock, from an act until a condition holds at a frame. In the page itself: its Content-Security-Policy
 * forbids what Playwright's `waitForFunction` does with a text.
 */
const until = (page: Page, act: string, condition: string): Promise<number> =>
  page.evaluate(
    `new Promise((resolve) => {
      const began = performance.now();
      ${act};
      const look = () => (${condition}) ? requestAnimationFrame(() => resolve(performance.now() - began)) : requestAnimationFrame(look);
      requestAnimationFrame(look);
    })`,
  );

const page = await openPage();
page.setDefaultTimeout(90_000);
await signInAs(page, url, "Owner");

for (const [name, path] of [
  ["Overview, 24 h", "/?range=24h&zone=UTC"],
  ["Overview, 30 d", "/?range=30d&zone=UTC"],
  ["Overview, 30 d, in Kolkata", "/?range=30d&zone=Asia/Kolkata"],
  ["Overview, 90 d", `/?range=custom&from=${new Date(Date.now() - 90 * 86_400_000).toISOString()}&zone=UTC`],
  ["Usage and quota, 30 d", "/usage?range=30d&zone=UTC"],
] as const) {
  tell(name, await visits({ page, url, rounds: ROUNDS }, path, () => until(page, "", SETTLED)));
}

await page.goto(`${url}/console/?range=30d&zone=UTC`);
await until(page, "", SETTLED);
const total = await page.getByRole("region", { name: "Events over time" }).locator("figcaption").textContent();
console.log(`Stored in these 30 days: ${total}`);
const press = `[...document.querySelectorAll('section[aria-label="Delivery status"] button')].find((each) => each.textContent.includes("Delivered")).click()`;
const [painted, filtered]: [number[], number[]] = [[], []];
for (let round = 0; round < ROUNDS; round += 1) {
  for (const is of [true, false]) {
    const chip = `new URLSearchParams(location.search).has("status") === ${is} && document.body.innerText.includes("Shown only:") === ${is}`;
    painted.push(await until(page, press, chip));
    filtered.push(await until(page, "", SETTLED));
  }
}
tell("Filter to repaint", painted);
tell("Filter to all tiles", filtered);
await closeBrowser();
