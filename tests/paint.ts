/**
 * `npm run paint`: how long the console takes on the platform that runs here, as somebody meets it who comes for the first time (an empty
 * cache) and again (a full one): first paint, until the page can be used, and bytes of script as they are sent. Of each the middle of some
 * loads; docs/performance.md has the figures.
 */
import type { Page } from "playwright-core";
import { closeBrowser, openPage, signInAs } from "./support/browser.ts";
import { median } from "./support/median.ts";
import { runningPlatform } from "./support/running.ts";

const LOADS = 7;
const paths = ["/", "/events", "/send"] as const;
const { url } = runningPlatform();

interface Load {
  readonly paint_ms: number;
  /** The heading is there, and the navigation answers a click by then. */
  readonly usable_ms: number;
  readonly script_kb: number;
}

async function load(page: Page, path: string): Promise<Load> {
  await page.goto(`${url}/console${path}`, { waitUntil: "commit" });
  await page.getByRole("heading", { level: 1 }).waitFor();
  const usable_ms = Number(await page.evaluate("usableAt"));
  await page.waitForLoadState("load");
  const script = "performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js'))";
  const bytes = Number(await page.evaluate(`${script}.reduce((sum, { transferSize }) => sum + transferSize, 0)`));
  // What this page still asks for would slow down the next one.
  await page.waitForLoadState("networkidle");
  const paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN";
  return { paint_ms: Number(await page.evaluate(paint)), usable_ms, script_kb: bytes / 1_000 };
}

const page = await openPage();
// Pages that have changed are built when the first of them is asked for.
page.setDefaultTimeout(90_000);
// The page itself says when its heading is there: Playwright looks for it only twice a second.
await page.addInitScript(`
  const look = () => document.querySelector("h1") === null ? requestAnimationFrame(look) : (globalThis.usableAt = performance.now());
  look();
`);
await signInAs(page, url, "Owner", "/console/settings");
const session = await page.context().newCDPSession(page);
for (const path of paths) {
  const cold: Load[] = [];
  const warm: Load[] = [];
  for (let at = 0; at < LOADS; at += 1) {
    await session.send("Network.clearBrowserCache");
    cold.push(await load(page, path));
    warm.push(await load(page, path));
  }
  for (const [name, loads] of Object.entries({ cold, warm })) {
    const of = (member: keyof Load) => median(loads.map((each) => each[member]));
    process.stdout.write(
      `${path} ${name}: first paint ${of("paint_ms").toFixed(0)} ms, usable ${of("usable_ms").toFixed(0)} ms, ${of("script_kb").toFixed(0)} KB of script\n`,
    );
  }
}
await closeBrowser();
