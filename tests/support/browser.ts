/** The system's Chromium, driven by playwright-core: one for all tests of a process. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { Test } from "uvu";
import { type Session, signIn } from "./console.ts";
import { eventually } from "./eventually.ts";

/** The shells first: without windows, and the pages that those are made of, a page computes half as much. */
const names = [
  ...["chromium-headless-shell", "chrome-headless-shell"],
  ...["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"],
];

/** Path of a Chromium of this machine; `CHROMIUM` names another. */
export function chromiumHere(): string | undefined {
  if (process.env.CHROMIUM !== undefined) return process.env.CHROMIUM;
  const folders = (process.env.PATH ?? "").split(":");
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** Makes tests in a browser, or where there is none the one that says so. @param missed what is not done then, such as "the pages are not tried" */
export function inBrowser(test: Test, missed: string, tests: () => void): void {
  if (chromiumHere() === undefined)
    test(`there is no Chromium on this machine, so ${missed} in one: install it, or name one by CHROMIUM`, () =>
      assert.equal(process.env.CI, undefined, "CI tries the pages in a browser: .ci/run installs one"));
  else {
    test.after(closeBrowser);
    tests();
  }
}

let browser: Promise<Browser> | undefined;

/** A page in a context of its own: no cookie of another, in the language and zone that tests expect. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  browser ??= chromium.launch({ executablePath: chromiumHere()!, args: ["--no-sandbox"] });
  const context = await (await browser).newContext({
    viewport: { width: 1_280, height: 900 },
    locale: "en-GB",
    timezoneId: "UTC",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  return page;
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

/** Writes what a page looks like into the folder that `SCREENSHOTS` names, where it names one. */
export async function picture(page: Page, name: string): Promise<void> {
  const { SCREENSHOTS } = process.env;
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  const chromium = await page.context().newCDPSession(page);
  const { cssContentSize } = await chromium.send("Page.getLayoutMetrics");
  // Packed quickly: two hundred pictures of a run were 13 s of computing, and are a third larger now.
  const { data } = await chromium.send("Page.captureScreenshot", {
    captureBeyondViewport: true,
    clip: { ...cssContentSize, scale: 1 },
    optimizeForSpeed: true,
  });
  await chromium.detach();
  writeFileSync(join(SCREENSHOTS, `${name.replaceAll(/[^\w]+/g, "-")}.png`), data, "base64");
}

/** Signs a person of the demo in by the two clicks that it takes, and waits for the page. @param person name on the button @param path where to, under the platform's URL */
export async function signInAs(page: Page, base: string, person: string, path = "/console/"): Promise<void> {
  await page.goto(`${base}${path}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: person, exact: true }).click();
  await page.getByRole("navigation", { name: "Main" }).waitFor();
}

/** Cookies of those who have signed in, by platform and person. */
const sessions = new Map<string, Promise<Session>>();

/**
 * A page of a person's, who signs in once for all tests of a process, and without the three pages that this takes in a browser.
 * Tests that end a session sign in for themselves. @param person, path as for `signInAs`
 */
export async function pageAs(
  base: string,
  person: string,
  path = "/console/",
  options: BrowserContextOptions = {},
): Promise<Page> {
  const name = `${base} ${person}`;
  if (!sessions.has(name)) sessions.set(name, signIn(base, person));
  const { cookies } = await sessions.get(name)!;
  const page = await openPage(options);
  // As the platform sets them (runtime/console/sessions.ts).
  const set = { domain: new URL(base).hostname, path: "/", secure: true, httpOnly: true, sameSite: "Lax" } as const;
  await page.context().addCookies([...cookies].map(([name, value]) => ({ name, value, ...set })));
  await page.goto(`${base}${path}`);
  await page.getByRole("navigation", { name: "Main" }).waitFor();
  return page;
}

/** Resolves when every view of a page has come to one of its states. */
export async function loaded(page: Page): Promise<void> {
  await eventually(
    () => page.getByText("Loading…", { exact: true }).count(),
    (count) => count === 0,
    60_000,
  );
}

/** How wide a page is beyond its window. */
export const sideways = async (page: Page): Promise<number> =>
  Number(await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"));
