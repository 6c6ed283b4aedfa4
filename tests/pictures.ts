/**
 * `npm run pictures`: pictures of the console's pages for `docs/console.md`, of the platform that runs here. `npm run demo` before it gives
 * them something to show; a quarter of an hour later an alert has rung, too.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { closeBrowser, openPage, signInAs } from "./support/browser.ts";
import { eventually } from "./support/eventually.ts";
import { runningPlatform } from "./support/running.ts";

const FOLDER = join(import.meta.dirname, "../docs/pictures");
const QUALITY = 60;
const { url } = runningPlatform();

interface Clip {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** As WebP, which is a third of the size of PNG. */
async function save(page: Page, name: string, clip: Clip): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", {
    format: "webp",
    quality: QUALITY,
    captureBeyondViewport: true,
    clip: { ...clip, scale: 1 },
  });
  writeFileSync(join(FOLDER, `${name}.webp`), Buffer.from(data, "base64"));
  process.stdout.write(`${name}.webp\n`);
}

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${url}/console${path}`);
  await page.getByRole("heading", { level: 1 }).waitFor();
  const waiting = page
    .getByText(/^(Loading…|Connecting…)$/)
    .or(page.locator('section[aria-busy="true"]'))
    .or(page.locator("td code").filter({ hasText: /^…$/ }));
  await eventually(
    () => waiting.count(),
    (count) => count === 0,
    90_000,
  );
}

/** One region of a page. */
async function region(page: Page, name: string, file: string): Promise<void> {
  const element = page.getByRole("region", { name, exact: true }).first();
  await element.scrollIntoViewIfNeeded();
  const scrolled = Number(await page.evaluate("window.scrollY"));
  const box = await element.boundingBox();
  if (box !== null) await save(page, file, { ...box, y: box.y + scrolled });
}

const whole = async (page: Page, file: string, height = 900): Promise<void> =>
  save(page, file, { x: 0, y: 0, width: page.viewportSize()!.width, height });

mkdirSync(FOLDER, { recursive: true });
const page = await openPage({ viewport: { width: 1_280, height: 900 } });
page.setDefaultTimeout(90_000);
await signInAs(page, url, "Owner");
await open(page, "/?range=1h&zone=UTC");
await whole(page, "overview");
for (const [name, file] of [
  ["Events ingested", "events-ingested"],
  ["Delivery success rate", "success-rate"],
  ["Accept latency", "accept-latency"],
  ["Delivery latency", "delivery-latency"],
  ["Quota in use", "quota-in-use"],
  ["Health", "health-tile"],
  ["Events over time", "events-over-time"],
  ["Delivery status", "delivery-status"],
  ["Latency distribution", "latency-distribution"],
  ["Delivery error rate", "error-rate"],
  ["Errors by type", "errors-by-type"],
  ["Top errors", "top-errors"],
  ["Failed events", "failed-events"],
] as const)
  await region(page, name, file);
await open(page, "/?range=1h&zone=UTC&by=event_type&status=delivered");
await whole(page, "filtered");
const yesterday = new Date(Date.now() - 86_400_000).toISOString();
await open(page, `/?range=custom&from=${yesterday}&zone=Asia/Kolkata&view=table`);
await whole(page, "custom-range", 1_500);
await page.getByRole("button", { name: "Download", exact: true }).click();
await page.getByRole("menu", { name: "Download" }).waitFor();
await whole(page, "download", 420);
await open(page, "/subscriptions");
await page.getByRole("main").getByRole("link").first().waitFor();
const href = await page.locator('main a[href*="/subscriptions/sub_"]').first().getAttribute("href");
if (href !== null) {
  await open(page, `${href.replace(/^\/console/, "").replace(/\?.*/, "")}?range=1h&zone=UTC`);
  await whole(page, "workflow", 1_500);
}
await open(page, "/usage?range=24h&zone=UTC");
await whole(page, "usage", 1_400);
await open(page, "/health");
await whole(page, "system-health", 700);
await open(page, "/alerts");
await whole(page, "alerts");
await open(page, "/alerts?tab=rules");
await whole(page, "alert-rules", 1_100);
await open(page, "/alerts?tab=channels");
await page.getByRole("form", { name: "Add a channel" }).waitFor();
await whole(page, "alert-channels", 700);
await open(page, "/reports?report=new");
await whole(page, "reports", 650);
await page.getByLabel("Name").fill("Weekly figures");
await page.getByRole("button", { name: "Preview" }).click();
await page.getByRole("region", { name: "Preview" }).waitFor();
await region(page, "Preview", "report-preview");
await page.getByLabel("Template").selectOption({ label: "Own tiles" });
await page.evaluate("window.scrollTo(0, 0)");
await whole(page, "report-tiles", 900);
await page.context().close();

const phone = await openPage({ viewport: { width: 320, height: 1_600 }, colorScheme: "dark" });
phone.setDefaultTimeout(90_000);
await signInAs(phone, url, "Owner");
await open(phone, "/?range=1h&zone=UTC");
await whole(phone, "phone", 1_600);
await phone.context().close();

const operator = await openPage();
operator.setDefaultTimeout(90_000);
await signInAs(operator, url, "Operator");
await open(operator, "/operator/customers");
await whole(operator, "customers", 500);
await open(operator, "/operator/health");
await whole(operator, "platform");
await closeBrowser();
