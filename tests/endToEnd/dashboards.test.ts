// group: browser 3
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page, Request } from "playwright-core";
import { extractText, getDocumentProxy } from "unpdf";
import { test } from "uvu";
import { timeOf, ulidIn } from "../../runtime/domain/ids.ts";
import { inBrowser, loaded, openPage, signInAs } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

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
      await loaded(page);
      found = await what();
      return JSON.stringify(found);
    },
    (text) => text === JSON.stringify(wanted),
    90_000,
  ).catch(() => assert.deepEqual(found, wanted));
}

inBrowser(test, "dashboards are not tried", () => {
  let page: Page;
  test.before(async () => {
    platform = await sharedPlatform();
    await call(platform.url, "GET", "/console/");
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
  test("the donut and the chart of events count the sent events and their outcomes", async () => {
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

  /** Deliveries as the API lists them: the ledger of what was tried. */
  const deliveries = async (query: string) =>
    (await call(platform.url, "GET", `/deliveries?${query}`, { key: platform.sandboxKey })).json
      .deliveries as readonly {
      event_ids: string[];
      status: string;
      attempts: { at: string; latency_ms: number; error: string | null }[];
    }[];
  const figureOf = (tile: string) =>
    page.getByRole("region", { name: tile, exact: true }).getByRole("button").first().textContent();
  const textOf = async (tile: string) =>
    (await page.getByRole("region", { name: tile, exact: true }).textContent()) ?? "";

  test("today's counters, the gauge, latencies and errors are those of the ledger", async () => {
    const bad = async () => (await deliveries("event_type=dash.bad")).flatMap(({ attempts }) => attempts);
    const looked = async () => {
      const tried = await bad();
      const measured = async (tile: string) =>
        (await rowsOf(page, tile)).reduce((sum, row) => sum + Number(row.at(-1)), 0);
      const types = await rowsOf(page, "Errors by type");
      return {
        today: [await figureOf("Events ingested"), await figureOf("Events delivered")],
        gauge: (await textOf("Delivery success rate")).includes("5 of 5 that ended"),
        // A request with three types counts once for each; each event of the good type was delivered once.
        measured: [await measured("Accept latency"), await measured("Delivery latency")],
        // One post had the five events, and each attempt the three.
        rate: (await textOf("Delivery error rate")).includes(`of ${tried.length + 1} attempts failed`),
        types: types.reduce((sum, row) => sum + Number(row[1]), 0) - tried.length,
        top: (await rowsOf(page, "Top errors")).map(([name, n]) => [name, Number(n) - tried.length]),
        failed: (await rowsOf(page, "Failed events")).map((row) => Number(row[3]) - tried.length),
      };
    };
    await shows(page, `/?${filter}&view=table`, looked, {
      today: ["10", "5"],
      gauge: true,
      measured: [3, 5],
      rate: true,
      types: 0,
      top: [["5xx response", 0]],
      failed: [0],
    });
  });

  test("a latency of nothing measured says so, and is neither zero nor an error", async () => {
    const looked = async () => ({
      said: [
        (await textOf("Accept latency")).includes("Nothing was measured in these 24 hours."),
        (await textOf("Delivery latency")).includes("Nothing was measured in these 24 hours."),
        (await textOf("Latency distribution")).includes("Nothing was measured in this range."),
      ],
      rows: [
        ...new Set((await rowsOf(page, "Delivery latency")).map((row) => row.slice(1).join(" "))),
        (await rowsOf(page, "Delivery latency")).length,
      ],
    });
    await shows(page, "/?env=sandbox&range=1h&zone=UTC&type=dash.never&view=table", looked, {
      said: [true, true, true],
      rows: ["– – – 0", 24],
    });
  });

  test("the percentiles of a latency are those of the known times: p50, p95 and p99 of what was slow for some", async () => {
    const slow = "dash.slow";
    const made = await call(platform.url, "POST", "/subscriptions", {
      key: platform.sandboxKey,
      body: {
        ...{ workflow_id: slow, webhook_url: `${platform.sinkUrl}/script/slow/1500/dash`, max_batch: 1 },
        event_selector: { event_type: slow },
      },
    });
    assert.equal(made.status, 201, made.text);
    await inForce();
    for (let n = 0; n < 6; n += 1)
      await call(platform.url, "POST", "/events", { key: platform.sandboxKey, body: { event_type: slow, n } });
    /** From an event's receipt, which its id tells, until the answer of its first success. */
    const times = async () => {
      const all = await deliveries("event_type=dash.good&event_type=dash.slow&status=delivered");
      return all
        .flatMap(({ event_ids, attempts }) => {
          const { at, latency_ms } = attempts.find(({ error }) => error === null)!;
          return event_ids.map((id) => Date.parse(at) + latency_ms - timeOf(ulidIn("evt", id)!));
        })
        .toSorted((a, b) => a - b);
    };
    await eventually(times, (known) => known.length === 11, 90_000);
    const known = await times();
    assert.ok(known.at(-1)! > 1_500);
    const inMs = (text: string) => {
      const [, number, unit] = /^([\d.,]+)\s(ms|s|min)$/.exec(text)!;
      return Number(number!.replace(",", "")) * { ms: 1, s: 1_000, min: 60_000 }[unit as "ms"];
    };
    const told = async () =>
      /([\d,]+) measured: half took (.+?) at most, 95 of 100 took (.+?) and 99 of 100 took (.+?)\. /.exec(
        await textOf("Latency distribution"),
      );
    await shows(
      page,
      "/?env=sandbox&range=1h&zone=UTC&type=dash.good&type=dash.slow",
      async () => (await told())?.[1],
      "11",
    );
    const [, , ...percentiles] = (await told())!;
    for (const [place, share] of [0.5, 0.95, 0.99].entries()) {
      const wanted = known[Math.ceil(share * known.length) - 1]!;
      const shown = inMs(percentiles[place]!);
      // Buckets are 10 % wide, and a figure is rounded to a tenth of a second.
      assert.ok(
        Math.abs(shown - wanted) <= 0.06 * wanted + 51,
        `p${share * 100} is shown as ${shown} ms and was ${wanted} ms`,
      );
    }
  });

  test("the forecasts begin with what came: today's and the month's events so far are those that were counted", async () => {
    const now = new Date();
    const [day, first] = [now.getUTCDate(), 1].map((date) =>
      new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), date)).toISOString(),
    );
    const counted = async (from: string | undefined) =>
      Number(
        (
          await call(platform.url, "GET", `/metrics?measures=events&interval=none&from=${from}`, {
            key: platform.sandboxKey,
          })
        ).json.totals.events,
      );
    const differences = async () => {
      // Traffic that began today foretells neither day nor month.
      const month = await textOf("Forecast for the month");
      const soFar = /foresee a month\. ([\d,]+) events? so far\./.exec(month)?.[1];
      const sum = (rows: string[][]) => rows.reduce((all, [, n]) => all + Number(n!.replaceAll(",", "")), 0);
      return {
        month: Number(soFar?.replaceAll(",", "") ?? -1) - (await counted(first)),
        today: (await textOf("Forecast for today")).includes("it takes a whole day of traffic"),
        history: sum((await rowsOf(page, "History")).map((row) => [row[0]!, row[1]!])) - (await counted(day)),
      };
    };
    await shows(page, `/usage?env=sandbox&range=custom&from=${day}&zone=UTC&each=hour&view=table`, differences, {
      month: 0,
      today: true,
      history: 0,
    });
  });

  test("failed events obey every filter, an error filters the page, and a chart that a filter can't narrow is grey and says so", async () => {
    const failed = async () => (await rowsOf(page, "Failed events")).length;
    const only = (more: string) => `/?env=sandbox&range=1h&zone=UTC&${more}`;
    await shows(page, only("type=dash.bad"), failed, 1);
    await shows(page, only("workflow=dash.bad"), failed, 1);
    await shows(page, only("type=dash.good"), failed, 0);
    await shows(page, only("type=dash.bad&status=delivered"), failed, 0);
    await shows(page, only("type=dash.bad&error=http_4xx"), failed, 0);
    await shows(page, only("type=dash.bad"), failed, 1);
    await page
      .getByRole("region", { name: "Errors by type" })
      .getByRole("button", { name: /^5xx response/ })
      .click();
    await page.waitForURL(/error=http_5xx/);
    await page.getByRole("button", { name: "error: 5xx response, show all again" }).waitFor();
    const greyed = page.getByRole("region", { name: "Events over time" });
    await greyed.getByText("Not filtered: this can't be told apart by error.").waitFor();
    await page.getByRole("region", { name: "Health" }).getByText("Not filtered").waitFor();
    assert.equal(await failed(), 1);
  });

  test("figures follow the socket while the page is visible; without a socket the page polls, and says so", async () => {
    const send = () =>
      call(platform.url, "POST", "/events", { key: platform.sandboxKey, body: { event_type: "dash.live" } });
    await send();
    const total = async () => Number(/([\d,]+) events?;/.exec(await textOf("Events over time"))?.[1] ?? 0);
    const query = "/?env=sandbox&range=1h&zone=UTC&type=dash.live";
    await shows(page, query, total, 1);
    await page
      .getByRole("status")
      .filter({ hasText: /^Live$/ })
      .waitFor();
    await send();
    await eventually(total, (count) => count === 2, 60_000);
    await page.evaluate(
      `Object.defineProperty(document, "hidden", { value: true, configurable: true }); document.dispatchEvent(new Event("visibilitychange"))`,
    );
    await page.getByText("Paused while the page is hidden").waitFor();
    const cut = await openPage();
    await cut.routeWebSocket(/\/live/, (socket) => socket.close());
    await signInAs(cut, platform.url, "Owner", `/console${query}`);
    await cut.getByText("No live connection: looking every few seconds").waitFor();
    await send();
    await eventually(
      () => cut.getByRole("region", { name: "Events over time" }).textContent(),
      (text) => text?.includes("3 events;") === true,
      60_000,
    );
    await cut.context().close();
  });

  test("the page shows the use of the limit and the platform's state as the ledger has them", async () => {
    const sums = async () => {
      const rows = await rowsOf(page, "History");
      return [1, 2].map((column) => rows.reduce((sum, row) => sum + Number(row[column]), 0));
    };
    // Whatever the history is told by, it holds the whole range: by the hour, the last hour is this one and the one before.
    await shows(page, `/usage?${filter}&each=hour&view=table`, sums, [10, 3]);
    await shows(page, `/usage?${filter}&each=hour&view=table`, async () => (await rowsOf(page, "History")).length, 2);
    await shows(page, `/usage?${filter}&view=table`, sums, [10, 3]);
    assert.equal((await rowsOf(page, "History")).length, 60);
    assert.deepEqual(
      (await rowsOf(page, "Events by key")).map(([, events]) => events),
      ["10"],
    );
    await page.getByRole("region", { name: "Forecast for today" }).getByText("Not filtered").waitFor();
    const key = platform.sandboxKey;
    for (const body of ["{", "{", "[]"])
      assert.equal((await call(platform.url, "POST", "/events", { key, body })).status, 400);
    const turnedAway = { measures: ["refused"], last: "1h", interval: "none", group_by: ["reason"] };
    const { json } = await eventually(
      () => call(platform.url, "POST", "/metrics/query", { key, body: turnedAway }),
      ({ json }) => json.totals.refused >= 3,
    );
    const reasons: Map<string, number> = new Map(
      json.series.map(
        ({ key: of, totals }: { key: { reason: string }; totals: { refused: number } }) =>
          [of.reason, totals.refused] as const,
      ),
    );
    assert.ok(reasons.get("invalid_json")! >= 2 && reasons.get("invalid_event")! >= 1);
    await shows(
      page,
      `/usage?${filter}`,
      async () => (await textOf("Refused in the last hour")).split("requests: ")[1],
      [...reasons].map(([reason, n]) => `${n} ${reason}`).join(", "),
    );
    const status = (await call(platform.url, "GET", "/status", {})).json as {
      components: Record<string, { status: string }>;
    };
    const word: Readonly<Record<string, string>> = { ok: "Healthy", degraded: "Degraded", down: "Down" };
    await page.goto(`${platform.url}/console/health`);
    for (const [name, part] of [
      ["API", "api"],
      ["Queue", "queue"],
      ["Database", "database"],
    ] as const)
      await page.getByRole("region", { name, exact: true }).getByText(word[status.components[part]!.status]!).waitFor();
  });

  test("the operator's pages count each customer's own events, its refused requests and its unused keys", async () => {
    const { api_key } = await newCustomer(platform, { name: "Ledger of the dashboards", limit_per_second: 100 });
    const send = (body: unknown) => call(platform.url, "POST", "/events", { key: api_key, body });
    await send(Array.from({ length: 7 }, (_, n) => ({ event_type: "ledger", n })));
    assert.equal((await send("{")).status, 400);
    const operator = await openPage();
    await signInAs(operator, platform.url, "Operator");
    const row = async () => {
      const found = operator.getByRole("row").filter({ hasText: "Ledger of the dashboards" }).last();
      const cells = (await found.locator("td > :last-child").allTextContents()) as string[];
      return [cells[2], cells[3], cells[4], cells[5], cells[8]?.replace(/key_.*/, "")];
    };
    // All seven came in one second, of a hundred that may.
    await shows(operator, "/operator/customers?range=1h", row, ["7.0\u00a0%", "7", "1", "0", "1 of 2"]);
    await operator.getByRole("button", { name: "View as table" }).click();
    await operator.getByRole("group", { name: "Use of the limit, as a table" }).waitFor();
    await shows(
      operator,
      "/operator/health?range=1h&view=table",
      async () => (await rowsOf(operator, "Busiest customers")).filter(([name]) => name === "Ledger of the dashboards"),
      [["Ledger of the dashboards", "7"]],
    );
    await operator.context().close();
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

  test("Back takes back the filter, the range and the grouping that were chosen last, and Forward brings each again", async () => {
    const [filters, ranges] = ["Filters", "Range"].map((name) => page.getByRole("group", { name, exact: true }));
    const begin = "?env=sandbox&range=1h&zone=UTC";
    /** What the page says of itself: its type, its range, how it groups. */
    const shown = async () => [
      await filters!.getByLabel("Type", { exact: true }).inputValue(),
      await ranges!.locator('[aria-pressed="true"]').textContent(),
      await filters!.getByLabel("Group by").inputValue(),
    ];
    const reads = (...expected: string[]) => eventually(shown, (now) => String(now) === String(expected));
    await page.goto(`${platform.url}/console/${begin}`);
    await filters!.getByLabel("Type", { exact: true }).selectOption("dash.good");
    await ranges!.getByRole("button", { name: "24 h" }).click();
    await filters!.getByLabel("Group by").selectOption("workflow_id");
    await reads("dash.good", "24 h", "workflow_id");
    await page.goBack();
    await reads("dash.good", "24 h", "none");
    await page.goBack();
    await reads("dash.good", "1 h", "none");
    await page.goBack();
    await reads("", "1 h", "none");
    assert.equal(new URL(page.url()).search, begin);
    await page.goForward();
    await reads("dash.good", "1 h", "none");
    await page.getByRole("button", { name: "type: dash.good, show all again" }).waitFor();
  });

  test("a filter paints the page anew before any figure has come, and leaves the figures before until then", async () => {
    const tile = page.getByRole("region", { name: "Delivery status" });
    await page.goto(`${platform.url}/console/?${filter}`);
    await tile.getByRole("button", { name: /^Delivered/ }).waitFor();
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    await page.route("**/metrics/query", (route) => answered.then(() => route.continue()));
    await tile.getByRole("button", { name: /^Delivered/ }).click();
    await page.getByRole("button", { name: "status: delivered, show all again" }).waitFor();
    await tile.getByText("updating…").waitFor();
    assert.match((await tile.textContent()) ?? "", /Failed, retrying 3/);
    answer();
    await tile.getByText("updating…").waitFor({ state: "detached" });
    await page.unroute("**/metrics/query");
  });

  test("the overview asks fewer questions than it has tiles, and none of them twice", async () => {
    const asked: string[] = [];
    const note = (request: Request) => {
      const body = request.postData();
      // How much of the limit is used is looked up every few seconds.
      if (request.url().endsWith("/metrics/query") && body?.includes("limit_use") === false) asked.push(body);
    };
    page.on("request", note);
    // A range that has ended is not followed.
    const [from, to] = [2, 1].map((hours) => new Date(Date.now() - hours * 3_600_000).toISOString());
    await page.goto(`${platform.url}/console/?env=sandbox&range=custom&from=${from}&to=${to}&zone=UTC`);
    await page.getByRole("region", { name: "Failed events" }).waitFor();
    const tiles = page.locator("main section[aria-label]");
    await eventually(
      () => page.locator('main section[aria-busy="true"]').count(),
      (busy) => busy === 0,
      60_000,
    );
    page.off("request", note);
    assert.deepEqual(asked, [...new Set(asked)]);
    assert.ok(asked.length > 3 && asked.length < (await tiles.count()), `${asked.length} questions`);
  });

  test("what was counted in full is not asked again by who comes back to it", async () => {
    const [from, to] = [3, 2].map((hours) => new Date(Date.now() - hours * 3_600_000).toISOString());
    const asked: string[] = [];
    const note = (request: Request) => {
      const body = request.postData();
      if (request.url().endsWith("/metrics/query") && body?.includes(to!) === true) asked.push(body);
    };
    const seen = async () => {
      await page.getByRole("region", { name: "Failed events" }).waitFor();
      await eventually(
        () => page.locator('main section[aria-busy="true"]').count(),
        (busy) => busy === 0,
        60_000,
      );
    };
    await page.goto(`${platform.url}/console/?env=sandbox&range=custom&from=${from}&to=${to}&zone=UTC`);
    page.on("request", note);
    await seen();
    await page.getByRole("link", { name: "Deliveries", exact: true }).first().click();
    await page.getByRole("heading", { level: 1, name: "Deliveries" }).waitFor();
    // Later than what may still change is taken for fresh.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    asked.length = 0;
    await page.goBack();
    await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
    await seen();
    page.off("request", note);
    assert.deepEqual(asked, []);
  });

  test("a range is written by the clocks of the zone, and every bucket is named by them", async () => {
    await page.goto(`${platform.url}/console/?${filter.replace("zone=UTC", "zone=Asia/Kolkata")}&view=table`);
    await page.getByRole("button", { name: "Custom" }).click();
    // An hour ago to the minute, as clocks in Kolkata show it: five and a half hours later than UTC's.
    const begin = Math.floor(Date.now() / 60_000) * 60_000 - 3_600_000;
    const clock = new Date(begin + 19_800_000).toISOString().slice(0, 16);
    await page.getByLabel("From").fill(clock);
    await page.waitForURL((url) => url.searchParams.get("from") === new Date(begin).toISOString());
    const shown = async () => {
      const rows = await rowsOf(page, "Events over time");
      return [rows[0]?.[0]?.slice(-5), rows.reduce((sum, [, n]) => sum + Number(n), 0)];
    };
    await eventually(shown, ([first, total]) => first === clock.slice(-5) && total === 10, 60_000);
  });

  test("figures are looked up again each half minute once that is switched on, and not before", async () => {
    const quiet = await openPage();
    await quiet.clock.install();
    let asked = 0;
    quiet.on("request", (request) => {
      const body = request.postData();
      if (request.url().endsWith("/metrics/query") && body?.includes("limit_use") === false) asked += 1;
    });
    await signInAs(quiet, platform.url, "Owner", `/console/usage?${filter}`);
    await quiet.getByRole("region", { name: "History", exact: true }).getByText("10 events in").waitFor();
    const before = asked;
    await quiet.clock.fastForward("01:05");
    const tick = quiet.getByRole("checkbox", { name: "Auto-refresh" });
    assert.ok(!(await tick.isChecked()));
    assert.equal(asked, before);
    await tick.check();
    await quiet.waitForURL(/refresh=30s/);
    const switched = asked;
    await quiet.clock.fastForward("00:31");
    await eventually(
      () => Promise.resolve(asked),
      (count) => count > switched,
    );
    await quiet.context().close();
  });

  test("the shown figures can be downloaded as CSV, JSON and PDF", async () => {
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
    const shown = await page.locator("main section[aria-label] h2").allTextContents();
    assert.deepEqual(
      Object.keys(json),
      shown.filter((title) => title in json),
      "a file has what the page has, in that order",
    );
    const pdf = await take("PDF");
    const { text } = await extractText(await getDocumentProxy(new Uint8Array(pdf)), { mergePages: true });
    const titles = (await page.locator("main section[aria-label] h2").allTextContents()).filter(
      (title) => title !== "Health" && title !== "First steps",
    );
    assert.ok(titles.length > 5);
    for (const title of titles) assert.ok(text.includes(title), `the PDF leaves out ${title}`);
    // What tells the colours of lines and of the ring's parts apart.
    assert.match(text, /(?<!When\s+)p50\s+p95\s+p99(?!\s+Measured)/);
    assert.match(text, /Delivered\s+… Pending\s+Failed, retrying/);
    assert.match(text, /Delivered\s+5\s+50\.0\s%/);
    assert.match(text, /Failed, retrying\s+3\s+30\.0\s%/);
    assert.match(text, /Unmatched\s+2\s+20\.0\s%/);
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
});

test.run();
