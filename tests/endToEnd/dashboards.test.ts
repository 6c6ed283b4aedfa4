// group: browser
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { test } from "uvu";
import { chromiumHere, closeBrowser, openPage, signInAs } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { call, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** Dashboards in a real browser: what they show of known traffic is what was sent, and what became of it. */

const types = ["dash.good", "dash.bad", "dash.nobody"] as const;
const sent = { "dash.good": 5, "dash.bad": 3, "dash.nobody": 2 } as const;
const filter = `env=sandbox&range=1h&zone=UTC&${types.map((type) => `type=${type}`).join("&")}`;

let platform: SharedPlatform;
let subscription: string;

/** A subscription counts for events that are accepted five seconds later. */
const inForce = () => new Promise((resolve) => setTimeout(resolve, 5_000));

/** The rows of a tile's table, cell by cell. */
async function rowsOf(page: Page, tile: string): Promise<string[][]> {
  const rows = await page.getByRole("region", { name: tile, exact: true }).locator("tbody tr").all();
  return Promise.all(rows.map((row) => row.locator("td > :last-child").allTextContents()));
}

/** Opens a page and waits until it shows this. */
async function shows(page: Page, path: string, what: () => Promise<unknown>, wanted: unknown): Promise<void> {
  let found: unknown;
  await eventually(
    async () => {
      await page.goto(`${platform.url}/console${path}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await eventually(
        () => page.getByText("Loading…", { exact: true }).count(),
        (count) => count === 0,
        60_000,
      );
      found = await what();
      return JSON.stringify(found);
    },
    (text) => text === JSON.stringify(wanted),
    90_000,
  ).catch(() => assert.deepEqual(found, wanted));
}

if (chromiumHere() === undefined) {
  test("there is no Chromium on this machine, so dashboards are not tried in one: install it, or name one by CHROMIUM", () =>
    assert.equal(process.env.CI, undefined, "CI tries the pages in a browser: .ci/run installs one"));
} else {
  let page: Page;
  test.before(async () => {
    platform = await sharedPlatform();
    await platform.pages();
    const post = async (path: string, body: unknown) => {
      const answer = await call(platform.url, "POST", path, { key: platform.sandboxKey, body });
      assert.ok(answer.status < 300, answer.text);
      return answer.json;
    };
    const subscribe = (type: string, url: string) =>
      post("/subscriptions", { workflow_id: type, webhook_url: url, event_selector: { event_type: type } });
    subscription = (await subscribe("dash.good", `${platform.sinkUrl}/dash`)).subscription_id;
    await subscribe("dash.bad", `${platform.sinkUrl}/script/status/503`);
    await inForce();
    await post(
      "/events",
      types.flatMap((event_type) => Array.from({ length: sent[event_type] }, (_, n) => ({ event_type, n }))),
    );
    page = await openPage({ acceptDownloads: true });
    await signInAs(page, platform.url, "Owner");
  });
  test.after(closeBrowser);

  test("the donut and the chart of events count what was sent, and what became of it", async () => {
    const status = async () => (await rowsOf(page, "Delivery status")).map(([word, n]) => [word, n]);
    await shows(page, `/?${filter}&view=table`, status, [
      ["Delivered", "5"],
      ["Pending", "0"],
      ["Failed, retrying", "3"],
      ["Failed, dead-lettered", "0"],
      ["Unmatched", "2"],
    ]);
    const total = (await rowsOf(page, "Events over time")).reduce((sum, [, n]) => sum + Number(n), 0);
    assert.equal(total, 10);
    const errors = await rowsOf(page, "Top errors");
    assert.equal(errors.length, 1);
    assert.equal(errors[0]![0], "5xx response");
    const failed = await rowsOf(page, "Failed events");
    assert.ok(failed.some((row) => row.includes("answered 503")));
    await page.getByRole("region", { name: "Quota in use" }).getByText("Not filtered").waitFor();
  });

  test("arrow keys read a chart value by value, and Enter leads to the events of the bucket", async () => {
    await page.goto(`${platform.url}/console/?${filter}&type=dash.good`);
    const cursor = page.getByRole("slider", { name: "Events over time: value by value" });
    await cursor.focus();
    await page.keyboard.press("End");
    let seen = 0;
    for (let step = 0; step < 60 && seen === 0; step += 1) {
      const says = (await cursor.getAttribute("aria-valuetext"))!;
      seen = Number(/: Events (\d+),/.exec(says)?.[1] ?? 0);
      if (seen === 0) await page.keyboard.press("ArrowLeft");
    }
    assert.ok(seen > 0 && seen <= 10);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Events" }).waitFor();
    const { searchParams } = new URL(page.url());
    assert.equal(searchParams.get("range"), "custom");
    assert.equal(Date.parse(searchParams.get("to")!) - Date.parse(searchParams.get("from")!), 60_000);
  });

  test("a press on a part of the donut shows only that, and another press shows all again", async () => {
    await page.goto(`${platform.url}/console/?${filter}`);
    const part = page.getByRole("region", { name: "Delivery status" }).getByRole("button", { name: /^Delivered/ });
    await part.click();
    await page.waitForURL(/status=delivered/);
    await page.getByRole("button", { name: "status: delivered, show all again" }).click();
    await page.waitForURL((url) => !url.searchParams.has("status"));
  });

  test("what is shown can be taken along as CSV, JSON and PDF", async () => {
    await page.goto(`${platform.url}/console/?${filter}`);
    await page
      .getByRole("region", { name: "Delivery status" })
      .getByRole("button", { name: /^Delivered/ })
      .waitFor();
    const take = async (kind: string): Promise<Buffer> => {
      await page.getByRole("button", { name: "Download", exact: true }).click();
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("menuitem", { name: kind, exact: true }).click(),
      ]);
      return readFileSync(await download.path());
    };
    assert.ok((await take("CSV")).toString().includes("Delivery status,Delivered,Count,5\r\n"));
    const json = JSON.parse((await take("JSON")).toString());
    assert.equal(json["Delivery status"][0].Count, 5);
    const pdf = await take("PDF");
    assert.equal(pdf.subarray(0, 5).toString(), "%PDF-");
  });

  test("a workflow's page counts its own events alone", async () => {
    const figure = (tile: string) =>
      page.getByRole("region", { name: tile, exact: true }).getByRole("button").first().textContent();
    await shows(
      page,
      `/subscriptions/${subscription}?env=sandbox&range=1h&zone=UTC`,
      async () => [await figure("Events matching"), await figure("Events delivered")],
      ["5", "5"],
    );
    assert.equal((await rowsOf(page, "Recent events")).length, 5);
  });
}

test.run();
