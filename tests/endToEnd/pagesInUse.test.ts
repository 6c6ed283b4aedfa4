// group: browser 2
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { test } from "uvu";
import { axeFaults } from "../support/axe.ts";
import { inBrowser, loaded, openPage, pageAs, picture, sideways, signInAs } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { call, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** How the console's pages behave in people's hands: impatient, interrupted, by keys alone, on a bad network. */

let platform: SharedPlatform;
let subscription = "";
let event = "";

/** A page of a person's, at a path of the console. */
const pageOf = (person: string, path: string, options?: Parameters<typeof openPage>[0]): Promise<Page> =>
  pageAs(platform.url, person, `/console${path}`, options);

async function sent(body: object): Promise<string> {
  const { json } = await call(platform.url, "POST", "/events", { key: platform.sandboxKey, body });
  const id = json.event_id as string;
  await eventually(
    () => call(platform.url, "GET", `/events/${id}`, { key: platform.sandboxKey }),
    ({ status }) => status === 200,
  );
  return id;
}

/** Whether an element stands whole in the window, with no bar over it. */
const inSight = (element: Locator): Promise<boolean> =>
  element.evaluate((node) => {
    const { left, top, right, bottom } = node.getBoundingClientRect();
    const seen = (x: number, y: number) => node.contains(node.ownerDocument.elementFromPoint(x, y));
    return seen(left + 8, top + 4) && seen((left + right) / 2, bottom - 4);
  });

const focused = (page: Page): Promise<string> =>
  page.evaluate("[document.activeElement.tagName, document.activeElement.textContent].join(' ')");
const scrolled = async (page: Page): Promise<number> => Number(await page.evaluate("window.scrollY"));

inBrowser(test, "the pages are not used", () => {
  test.before(async () => {
    platform = await sharedPlatform();
    await call(platform.url, "GET", "/console/");
    const made = await call(platform.url, "POST", "/subscriptions", {
      key: platform.sandboxKey,
      body: {
        workflow_id: "an endpoint that says much",
        webhook_url: `${platform.sinkUrl}/script/status/503`,
        event_selector: "inuse.failing",
        headers: Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`x-header-${n}`, "value"])),
      },
    });
    assert.equal(made.status, 201, made.text);
    subscription = made.json.subscription_id as string;
    for (let n = 0; n < 30; n += 1)
      await call(platform.url, "POST", "/events", {
        key: platform.sandboxKey,
        body: { event_type: "inuse.listed", n },
      });
    event = await sent({ event_type: "inuse.failing" });
  });
  for (const [size, viewport] of [
    ["a laptop", { width: 1_280, height: 720 }],
    ["a phone", { width: 320, height: 640 }],
  ] as const)
    test(`on ${size}, what became of an event is in sight below the button that sent it, which keeps the focus`, async () => {
      const page = await pageOf("Developer", "/send?env=sandbox", { viewport });
      await page.getByRole("textbox", { name: "Payload" }).fill('{"event_type":"inuse.sent"}');
      const button = page.getByRole("button", { name: "Send event" });
      await button.focus();
      await page.keyboard.press("Enter");
      const told = page.getByRole("status").filter({ hasText: "Accepted: 202" });
      await told.waitFor();
      await eventually(
        () => inSight(told),
        (is) => is,
      );
      assert.match(await focused(page), /^BUTTON Send(ing…| event)$/);
      await page.context().close();
    });

  test("a double click sends once, however fast the answer is", async () => {
    const page = await openPage();
    await page.clock.install();
    await signInAs(page, platform.url, "Developer", "/console/send?env=sandbox");
    let sends = 0;
    page.on("request", (request) => {
      if (request.method() === "POST" && new URL(request.url()).pathname === "/console/api/events") sends += 1;
    });
    // The answer is there between the two clicks.
    await page.route("**/console/api/events", (route) =>
      route.fulfill({ status: 202, json: { event_id: `evt_${"0".repeat(26)}`, status: "accepted" } }),
    );
    await page.getByRole("textbox", { name: "Payload" }).fill('{"event_type":"inuse.twice"}');
    const button = page.getByRole("button", { name: /^Send(ing…| event)$/ });
    // The page's clock stands still: a tenth of a second is between both clicks, however slow this machine is.
    await page.clock.pauseAt(Date.now() + 60_000);
    await button.click();
    await page.getByText("Accepted: 202").waitFor();
    await page.clock.runFor(100);
    await button.click({ force: true });
    assert.equal(sends, 1);
    // Later it sends again: one has pressed it a second time.
    await page.clock.runFor(1_000);
    await button.click();
    await eventually(
      () => Promise.resolve(sends),
      (count) => count === 2,
    );
    await page.context().close();
  });

  test("the buttons stay where they are when the editor comes", async () => {
    const page = await pageOf("Developer", "/settings");
    const { promise: waits, resolve: comes } = Promise.withResolvers<void>();
    await page.route(/assets\/editor-.*\.js$/, async (route) => {
      await waits;
      await route.continue();
    });
    await page.goto(`${platform.url}/console/send?env=sandbox`);
    const button = page.getByRole("button", { name: "Send event" });
    await button.waitFor();
    const before = (await button.boundingBox())!.y;
    comes();
    await page.getByRole("textbox", { name: "Payload" }).waitFor();
    const after = (await button.boundingBox())!.y;
    assert.ok(Math.abs(after - before) < 12, `moved from ${before} to ${after}`);
    await page.context().close();
  });

  test("keys act on the row that one has gone to, although new rows come above it", async () => {
    const page = await pageOf("Owner", "/events?env=sandbox&type=inuse.*");
    await page.getByRole("status").filter({ hasText: "Live" }).waitFor();
    await page.locator("main tbody tr").nth(5).waitFor();
    for (const key of ["j", "j"]) await page.keyboard.press(key);
    const row = (await page.evaluate("document.activeElement.closest('tr').dataset.row")) as string;
    const next = await sent({ event_type: "inuse.later" });
    await page.getByRole("link", { name: next }).waitFor();
    await page.keyboard.press("x");
    assert.ok(await page.getByRole("checkbox", { name: `Choose ${row}` }).isChecked());
    assert.equal(await page.getByRole("checkbox", { checked: true }).count(), 1);
    await page.context().close();
  });

  test("another page begins at its top, and keys go on from its heading", async () => {
    const page = await pageOf("Owner", "/events?env=sandbox&type=inuse.*");
    await page.locator("main tbody tr").nth(20).waitFor();
    await page.evaluate("window.scrollTo(0, 700)");
    await page.keyboard.press("g");
    await page.keyboard.press("d");
    await page.getByRole("heading", { level: 1, name: "Deliveries", exact: true }).waitFor();
    await eventually(
      () => focused(page),
      (is) => is === "H1 Deliveries",
    );
    assert.equal(await scrolled(page), 0);
    await page.context().close();
  });

  test("lists stay while the platform can't be reached, and say how old they are; what is pressed meanwhile says why it failed", async () => {
    const page = await pageOf("Owner", "/problems?env=sandbox");
    const problem = page.getByRole("listitem").filter({ hasText: "an endpoint that says much" });
    await problem.waitFor({ timeout: 60_000 });
    await page.route("**/console/api/**", (route) => route.abort());
    await page.getByText(/^The platform can't be reached\. What you see is from/).waitFor({ timeout: 60_000 });
    await page
      .getByRole("alert")
      .getByText(/^What stands here is from/)
      .waitFor();
    assert.ok(await problem.isVisible());
    await problem.getByRole("button", { name: "Acknowledge" }).click();
    await problem.getByRole("alert").getByText("The platform can't be reached. Is it running?").waitFor();
    await page.unroute("**/console/api/**");
    await problem.getByRole("button", { name: "Acknowledge" }).click();
    await problem.getByText("acknowledged").waitFor();
    await page.getByText(/^The platform can't be reached\. What you see is from/).waitFor({ state: "detached" });
    await page.context().close();
  });

  test("what is written in a dialog is there again after one has signed in anew, and the next person sees none of it", async () => {
    const page = await pageOf("Developer", "/subscriptions?env=sandbox");
    const written = async (): Promise<string> => {
      await page.getByRole("button", { name: "New subscription" }).click();
      return page.getByRole("dialog").getByLabel("Webhook URL").inputValue();
    };
    assert.equal(await written(), "");
    await page.getByRole("dialog").getByLabel("Webhook URL").fill("https://example.com/half");
    const again = async (person: string) => {
      await page.context().clearCookies();
      await signInAs(page, platform.url, person, "/console/subscriptions?env=sandbox");
    };
    await again("Developer");
    assert.equal(await written(), "https://example.com/half");
    await again("Owner");
    assert.equal(await written(), "");
    await page.context().close();
  });

  test("a tab whose person or customer has become another one shows that one", async () => {
    const page = await openPage();
    await signInAs(page, platform.url, "Developer", "/console/settings");
    // Nothing that was looked up for the first person stays: the page is loaded anew.
    await page.evaluate("window.ofTheFirst = true");
    const other = await page.context().newPage();
    // Straight to the page where one signs in: the first tab meets no moment without a session, which would send it there too.
    await signInAs(other, platform.url, "Auditor", "/console/sign-in?return_to=%2Fconsole%2Fsettings");
    await page.evaluate("window.dispatchEvent(new Event('visibilitychange'))");
    await page.getByText("Auditor (auditor@demo.example)").waitFor();
    await eventually(
      () => page.evaluate("window.ofTheFirst === undefined"),
      (is) => is === true,
    );
    await page.context().close();
  });

  test("what the platform itself tells is marked in the list of events", async () => {
    await sent({ event_type: "triggers.alert.resolved" });
    const page = await pageOf("Developer", "/events?env=sandbox&type=triggers.**");
    await page.getByRole("cell", { name: "triggers.alert.resolved from the platform" }).first().waitFor();
    await page.context().close();
  });

  test("every tab of an event and of a subscription passes axe, and fits a phone", async () => {
    const page = await pageOf("Owner", "/settings?env=sandbox");
    const tabs: readonly (readonly [string, readonly string[]])[] = [
      [`/events/${event}`, ["story", "payload", "verdicts", "deliveries", "viewers"]],
      [`/subscriptions/${subscription}`, ["selector", "deliveries", "backlog", "changes"]],
    ];
    for (const [path, names] of tabs)
      for (const tab of names) {
        await page.goto(`${platform.url}/console${path}?env=sandbox&tab=${tab}`);
        await page.getByRole("tabpanel").waitFor();
        await loaded(page);
        for (const width of [1_280, 320]) {
          await page.setViewportSize({ width, height: 720 });
          assert.deepEqual(await axeFaults(page), [], `${path}, ${tab}, ${width} px`);
          const over = await sideways(page);
          assert.equal(over, 0, `${path}, ${tab}, ${width} px`);
          await picture(page, `${path.split("/")[1]} ${tab} ${width}`);
        }
      }
    await page.context().close();
  });

  test("of an event with very many deliveries a part is shown and more at a press, and once it is settled it is not looked up again", async () => {
    const id = await sent({ event_type: "inuse.many" });
    const page = await pageOf("Developer", "/settings?env=sandbox");
    let asked = 0;
    let status = "pending";
    const at = "2026-11-29T10:00:00.000Z";
    const many = <T>(make: (name: string) => T): T[] =>
      Array.from({ length: 300 }, (_, n) => make(`sub_${String(n).padStart(26, "0")}`));
    const answering = (path: string, change: (json: object) => object) =>
      page.route(`**/console/api/events/${id}${path}`, async (route) => {
        const response = await route.fetch();
        asked += 1;
        await route.fulfill({ response, json: change((await response.json()) as object) });
      });
    await answering("", (event) => ({
      ...event,
      status,
      deliveries: many((subscription_id) => ({
        ...{ delivery_id: subscription_id.replace("sub", "dlv"), subscription_id, event_ids: [id], status },
        ...{ attempts: [], next_attempt_at: null, created_at: at },
      })),
    }));
    await answering("/journey", () => ({
      stages: many((subscription_id) => ({ stage: "attempt", at, duration_ms: 1, subscription_id, status_code: 200 })),
    }));
    await answering("/verdicts", () => ({
      verdicts: many((subscription_id) => ({ subscription_id, version: 1, matched: true, because: "it is" })),
    }));
    const more = page.getByRole("button", { name: "Show more" });
    const panel = page.getByRole("tabpanel");
    const rows = {
      story: panel.getByRole("listitem"),
      verdicts: panel.getByRole("row", { name: /matched/ }),
      deliveries: panel.getByRole("region", { name: /^Delivery dlv_/ }),
    };
    for (const [tab, row] of Object.entries(rows)) {
      await page.goto(`${platform.url}/console/events/${id}?env=sandbox&tab=${tab}`);
      await row.first().waitFor();
      assert.equal(await row.count(), 50, tab);
      await page.getByText("50 of 300 are shown.").waitFor();
      await more.click();
      await page.getByText("250 of 300 are shown.").waitFor();
      await more.click();
      await eventually(
        () => row.count(),
        (count) => count === 300,
      );
      assert.equal(await more.count(), 0);
    }
    await page.clock.install();
    await page.goto(`${platform.url}/console/events/${id}?env=sandbox`);
    await rows.story.first().waitFor();
    const first = asked;
    await page.clock.fastForward("00:04");
    await eventually(
      () => asked,
      (now) => now >= first + 2,
    );
    status = "delivered";
    await page.clock.fastForward("00:04");
    await page.getByRole("definition").filter({ hasText: "delivered" }).waitFor();
    await loaded(page);
    const settled = asked;
    // Each answer of the platform gives time for what would be asked for by then.
    for (let minute = 0; minute < 10; minute += 1) {
      await page.clock.fastForward("01:00");
      await page.evaluate("fetch('/console/session').then((answer) => answer.text())");
    }
    // A few may still be on their way. A page that went on asking would ask at least once in each of the ten minutes.
    assert.ok(asked <= settled + 5, `${asked - settled} questions about an event that is settled`);
    await page.context().close();
  });

  test("another subscription shows nothing of the one before: no secret, no test, no half-written answer", async () => {
    const make = async (name: string) => {
      const { json, text } = await call(platform.url, "POST", "/subscriptions", {
        key: platform.sandboxKey,
        body: { workflow_id: name, webhook_url: `${platform.sinkUrl}/${name}`, event_selector: `inuse.${name}` },
      });
      assert.ok(json.subscription_id, text);
      return json.subscription_id as string;
    };
    const [first, second] = [await make("turn-first"), await make("turn-second")];
    const page = await pageOf("Owner", `/subscriptions/${second}?env=sandbox`);
    const workflow = page.getByLabel("Workflow");
    const overlap = page.getByRole("dialog").getByLabel("Overlap in seconds");
    const rotate = page.getByRole("button", { name: "Rotate secret" });
    // Both have been looked up: neither has to be waited for.
    await workflow.selectOption(first);
    await page.waitForURL(new RegExp(first));
    await rotate.click();
    await page.getByRole("dialog").getByRole("button", { name: "Rotate secret" }).click();
    await page.getByText("The signing secret is shown this once.").waitFor();
    await rotate.click();
    await overlap.fill("0");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
    await workflow.selectOption(second);
    await page.waitForURL(new RegExp(second));
    await page.getByRole("main").getByText("turn-second", { exact: true }).first().waitFor();
    assert.equal(await page.getByText("The signing secret is shown this once.").count(), 0);
    await rotate.click();
    assert.equal(await overlap.inputValue(), "");
    await page.context().close();
  });

  test("what is sent again goes out as the key that it went out as, whichever is chosen by then", async () => {
    const page = await pageOf("Developer", "/send?env=sandbox&tab=json");
    await page.getByRole("textbox", { name: "Payload" }).fill('{"event_type":"inuse.again"}');
    await page.getByRole("button", { name: "Send event" }).click();
    const link = page.getByRole("status").getByRole("link", { name: /^evt_/ });
    await link.waitFor();
    const key = page.getByLabel("API key", { exact: true });
    const live = await key
      .locator("option", { hasText: /^live: / })
      .first()
      .getAttribute("value");
    await key.selectOption(live);
    await page.getByText("This is live.").waitFor();
    assert.match((await link.getAttribute("href"))!, /env=sandbox/);
    const again = page.waitForRequest("**/console/api/events");
    await page.getByRole("button", { name: "Send again" }).click();
    const headers = (await again).headers();
    assert.equal(headers["x-triggers-environment"], "sandbox");
    assert.notEqual(headers["x-triggers-key-id"], live);
    await page.context().close();
  });

  test("the platform says what is wrong with an idempotency key, whatever letters it is written in", async () => {
    const page = await pageOf("Developer", "/send?env=sandbox&tab=json");
    for (const letters of ["ключ", "é"]) {
      await page.getByLabel("Idempotency key", { exact: true }).fill(letters);
      await page.getByRole("button", { name: "Send event" }).click();
      await page.getByRole("status").getByText("must be 1 to 255 printable ASCII characters").first().waitFor();
      await page.reload();
    }
    await page.context().close();
  });

  test("a tab stays signed in while one works in another, and a session that may last no longer says so", async () => {
    const page = await openPage();
    await page.clock.install();
    await signInAs(page, platform.url, "Developer", "/console/settings");
    const other = await page.context().newPage();
    await other.goto(`${platform.url}/console/settings`);
    await other.getByRole("navigation", { name: "Main" }).waitFor();
    await page.clock.fastForward("12:00");
    const heard = page.waitForResponse("**/console/session");
    await other.keyboard.press("Shift");
    await heard;
    await page.clock.fastForward("04:00");
    assert.equal(await page.getByRole("alertdialog").count(), 0);
    assert.equal(new URL(page.url()).pathname, "/console/settings");
    await other.close();
    await page.route("**/console/session", async (route) => {
      const response = await route.fetch();
      const session = (await response.json()) as { now: string };
      const ends = new Date(Date.parse(session.now) + 100_000).toISOString();
      await route.fulfill({ response, json: { ...session, expires_at: ends, ends_at: ends } });
    });
    await page.reload();
    const warning = page.getByRole("alertdialog", { name: "Your session ends" });
    await warning.getByText("a session lasts 8 hours at most").waitFor();
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Sign in again");
    await page.clock.fastForward("02:00");
    await page.getByText(/^A session lasts 8 hours at most\./).waitFor();
    await page.context().close();
  });

  test("a list of choices shows what was chosen elsewhere, also where it does not offer that", async () => {
    const rule = await call(platform.url, "POST", "/alert-rules", {
      key: platform.sandboxKey,
      body: {
        name: "two hours",
        kind: "metric",
        query: { measures: ["failed"], last: "2h" },
        threshold: 9,
        for_minutes: 0,
      },
    });
    assert.equal(rule.status, 201, rule.text);
    const page = await pageOf("Owner", `/alerts?env=sandbox&tab=rules&rule=${rule.json.rule_id}`);
    const last = page.getByLabel("Over the last");
    assert.equal(await last.inputValue(), "2h");
    assert.equal(await last.locator("option:checked").textContent(), "2h");
    await page.context().close();
  });

  test("a delivery is found by its id, and what came back for it is told by its status", async () => {
    const { json } = await call(platform.url, "GET", `/deliveries?subscription_id=${subscription}`, {
      key: platform.sandboxKey,
    });
    const page = await pageOf("Developer", "/settings?env=sandbox");
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("combobox").fill(json.deliveries[0].delivery_id);
    await page.keyboard.press("Enter");
    await page.getByRole("region", { name: `Delivery ${json.deliveries[0].delivery_id}` }).waitFor();
    await page.getByRole("row").getByText("answered 503", { exact: true }).first().waitFor();
    await page.context().close();
  });

  test("deliveries are filtered by the name of a workflow, which the address keeps by its id", async () => {
    for (const path of ["/deliveries", "/dead-letters"]) {
      const page = await pageOf("Developer", `${path}?env=sandbox`);
      const choice = page.getByLabel("Workflow");
      await choice.selectOption({ label: `an endpoint that says much …${subscription.slice(-4)}` });
      await page.waitForURL((url) => url.searchParams.get("subscription") === subscription);
      await page.reload();
      await choice.locator("option:checked", { hasText: "an endpoint that says much" }).waitFor({ state: "attached" });
      assert.equal(await choice.inputValue(), subscription);
      await page.context().close();
    }
  });

  test("an answer is shown as it came, in the composer and in the history", async () => {
    const page = await pageOf("Developer", "/send?env=sandbox&tab=json");
    await page.getByRole("textbox", { name: "Payload" }).fill('{"event_type":"inuse.answered"}');
    const [answer] = await Promise.all([
      page.waitForResponse((each) => each.url().endsWith("/events") && each.request().method() === "POST"),
      page.getByRole("button", { name: "Send event" }).click(),
    ]);
    const body = await answer.text();
    const shown = async () => (await page.getByRole("figure", { name: "Response" }).locator("pre").textContent()) ?? "";
    assert.equal((await shown()).split("\n\n")[1], body);
    await page.goto(`${platform.url}/console/send/history?env=sandbox&type=inuse.answered`);
    await page.getByRole("link", { name: /^Open/ }).click();
    assert.equal((await shown()).split("\n\n")[1], body);
    await page.context().close();
  });

  test("letters of twice the size fit half a laptop", async () => {
    const page = await pageOf("Owner", "/health", { viewport: { width: 640, height: 900 } });
    await page.getByRole("region", { name: "Database" }).waitFor();
    await page.evaluate("document.documentElement.style.fontSize = '200%'");
    assert.equal(await sideways(page), 0);
    await page.context().close();
  });

  test("on a phone a card has no line without a value", async () => {
    const made = await call(platform.url, "POST", "/subscriptions", {
      key: platform.sandboxKey,
      body: { webhook_url: `${platform.sinkUrl}/in-cards`, event_selector: "inuse.in-cards" },
    });
    assert.equal(made.status, 201, made.text);
    const of = `subscription_id=${made.json.subscription_id}&status=delivered`;
    await eventually(
      async () => {
        await sent({ event_type: "inuse.in-cards" });
        return (await call(platform.url, "GET", `/deliveries?${of}`, { key: platform.sandboxKey })).json.deliveries
          .length;
      },
      (delivered) => delivered > 0,
    );
    const page = await pageOf("Developer", "/deliveries?env=sandbox&status=delivered", {
      viewport: { width: 320, height: 640 },
    });
    const empty = page.locator("td:has(> span:last-child:empty)");
    // What is delivered has no next attempt.
    await eventually(
      () => empty.count(),
      (count) => count > 0,
    );
    assert.equal(await empty.filter({ visible: true }).count(), 0);
    await page.context().close();
  });

  test("figures stay when newer ones can't be read, and say so; a list's counts tell what they leave out", async () => {
    for (let n = 0; n < 10; n += 1) await sent({ event_type: `inuse.kind-${n}` });
    await eventually(
      () =>
        call(platform.url, "POST", "/metrics/query", {
          key: platform.sandboxKey,
          body: { measures: ["events"], last: "24h", interval: "none", group_by: ["event_type"], top: 8 },
        }),
      ({ json }) => json.folded > 0,
    );
    const page = await pageOf("Developer", "/events?env=sandbox");
    await page
      .getByRole("group", { name: "By type" })
      .getByText(/^[1-9]\d* others? · [1-9]/)
      .waitFor();
    await page.goto(`${platform.url}/console/?env=sandbox&range=24h`);
    const tile = page.getByRole("region", { name: "Delivery status" });
    const figure = tile.getByRole("button", { name: /^Delivered [1-9]/ });
    await figure.waitFor();
    await page.route("**/console/api/metrics/query", (route) =>
      route.fulfill({ status: 503, json: { error: { code: "unavailable", message: "A part is away." } } }),
    );
    const told = tile.getByText(/: newer figures could not be read\.$/);
    await eventually(
      async () => {
        await sent({ event_type: "inuse.figures" });
        return told.count();
      },
      (count) => count > 0,
      60_000,
    );
    assert.ok(await figure.isVisible());
    await page.context().close();
  });

  test("a list that a filter empties says so, and a custom range says what it shows", async () => {
    const page = await pageOf("Developer", "/problems?env=sandbox&state=muted");
    await page.getByText("No sandbox problem fits these filters.").waitFor();
    for (const [path, says] of [
      ["/events?type=inuse.nothing", "No sandbox event of this range fits these filters."],
      ["/alerts?severity=info", "No sandbox alert fits these filters."],
      ["/?range=custom", "Without a beginning: the last 24 hours."],
      [
        "/events?range=custom&from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z",
        "The range has to end after it begins.",
      ],
    ] as const) {
      await page.goto(`${platform.url}/console${path}${path.includes("?") ? "&" : "?"}env=sandbox`);
      await page.getByText(says).waitFor();
    }
    await page.context().close();
  });

  test("an empty page leads people only to where they may go", async () => {
    for (const [person, links] of [
      ["Developer", 1],
      ["Business", 0],
    ] as const) {
      const page = await pageOf(
        person,
        "/events?env=sandbox&range=custom&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z",
      );
      const main = page.getByRole("main");
      await main.getByText("No sandbox events in this range.").waitFor();
      await main.getByText("send an event").waitFor();
      assert.equal(await main.getByRole("link", { name: "send an event" }).count(), links, person);
      await page.context().close();
    }
  });

  test("a name that turns letters round turns no others than its own", async () => {
    const made = await call(platform.url, "POST", "/subscriptions", {
      key: platform.sandboxKey,
      body: {
        workflow_id: "turned \u202eround",
        webhook_url: `${platform.sinkUrl}/turned`,
        event_selector: "inuse.turned",
      },
    });
    assert.equal(made.status, 201, made.text);
    const id = made.json.subscription_id as string;
    const page = await pageOf(
      "Developer",
      `/events/${await sent({ event_type: "inuse.turned" })}?env=sandbox&tab=verdicts`,
    );
    // The whole id stands there until the name is known: the same element then holds the name.
    const ending = page.locator(`a[href*="${id}"] .mono`, { hasText: `…${id.slice(-4)}` });
    await ending.waitFor();
    const places = await ending.evaluate((element) =>
      [...element.childNodes].flatMap((text) =>
        [...(text.textContent ?? "")].map((_, at) => {
          const range = element.ownerDocument.createRange();
          range.setStart(text, at);
          range.setEnd(text, at + 1);
          return range.getBoundingClientRect().left;
        }),
      ),
    );
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    await page.context().close();
  });

  test("a limit that is no number is refused, and never means that there is none", async () => {
    const page = await pageOf("Owner", "/keys?env=sandbox");
    await page.getByRole("button", { name: "New key" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("in use, with a limit");
    await dialog.getByLabel("Limit, events a second").fill("1,000");
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.getByRole("alert").getByText("/limit_per_second").waitFor();
    assert.equal(await page.locator("tr", { hasText: "in use, with a limit" }).count(), 0);
    // What is shown once stays when somebody presses beside it.
    await dialog.getByLabel("Limit, events a second").fill("1000");
    await dialog.getByRole("button", { name: "Create" }).click();
    await dialog.getByText("The key is shown this once.").waitFor();
    await page.mouse.click(5, 5);
    await dialog.getByRole("button", { name: "Done" }).click();
    await page.locator("tr", { hasText: "in use, with a limit" }).waitFor();
    await page.context().close();
  });

  test("what is chosen of one list is not chosen of another, where nobody would see it", async () => {
    const page = await pageOf("Owner", "/events?env=sandbox&type=inuse.listed");
    await page
      .getByRole("checkbox", { name: /^Choose evt_/ })
      .first()
      .check();
    const chosen = page.getByText("1 chosen");
    await chosen.waitFor();
    const listed = page.waitForResponse(/inbox\?.*status=unmatched/);
    await page.getByLabel("Status", { exact: true }).selectOption("unmatched");
    await listed;
    await loaded(page);
    await page
      .getByRole("checkbox", { name: /^Choose evt_/ })
      .first()
      .waitFor();
    assert.equal(await chosen.count(), 0);
    await page.goBack();
    await chosen.waitFor();
    await page.context().close();
  });

  test("a first step that was done stays done, however many events come that nobody wants", async () => {
    const many = Array.from({ length: 150 }, (_, n) => ({ event_type: "inuse.unwanted", n }));
    const made = await call(platform.url, "POST", "/events", { key: platform.sandboxKey, body: many });
    assert.equal(made.status, 202, made.text);
    await eventually(
      () => call(platform.url, "GET", "/inbox?event_type=inuse.unwanted&limit=200", { key: platform.sandboxKey }),
      ({ json }) => json.events.length === 150,
    );
    const page = await pageOf("Developer", "/?env=sandbox");
    const steps = page.getByRole("region", { name: "First steps" });
    for (const step of ["Send an event", "See an event match", "See it delivered"])
      await steps.getByText(`${step}: done`).waitFor();
    await page.context().close();
  });

  test("a state that events can't be listed by is no link of the list", async () => {
    const gone = await call(platform.url, "POST", "/subscriptions", {
      key: platform.sandboxKey,
      body: { webhook_url: `${platform.sinkUrl}/script/status/410`, event_selector: "inuse.gone" },
    });
    assert.equal(gone.status, 201, gone.text);
    const cancelled = () =>
      call(platform.url, "POST", "/metrics/query", {
        key: platform.sandboxKey,
        body: { measures: ["events"], last: "24h", interval: "none", filter: { status: ["cancelled"] } },
      });
    await eventually(
      async () => {
        await sent({ event_type: "inuse.gone" });
        return (await cancelled()).json.totals.events as number;
      },
      (events) => events > 0,
    );
    const page = await pageOf("Developer", "/events?env=sandbox");
    const facets = page.getByRole("group", { name: "By status, for each subscription" });
    await facets
      .getByRole("link", { name: /^delivered|^failed/ })
      .first()
      .waitFor();
    assert.equal(await facets.getByRole("link", { name: /^cancelled/ }).count(), 0);
    await page.context().close();
  });

  test("a dialog says which events it replays, and how many of the type that is written there now", async () => {
    const page = await pageOf(
      "Owner",
      "/replays?env=sandbox&range=custom&from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z&zone=UTC",
    );
    await page.getByRole("button", { name: "New replay" }).click();
    const dialog = page.getByRole("dialog");
    assert.match(
      (await dialog.textContent())!,
      /Sandbox events from 0?2 Jan 2026, 00:00:00 UTC to 0?3 Jan 2026, 00:00:00 UTC are matched/,
    );
    await dialog.getByRole("button", { name: "Count first" }).click();
    await dialog.getByText("In this range: 0 events.").waitFor();
    await dialog.getByLabel("Event type").fill("order.*");
    assert.equal(await dialog.getByText("In this range").count(), 0);
    await page.context().close();
  });
});

test.run();
