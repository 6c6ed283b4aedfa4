// group: browser 2
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { test } from "uvu";
import { places } from "../../console/src/places.ts";
import { templates } from "../../console/src/templates.ts";
import { axeFaults } from "../support/axe.ts";
import { inBrowser, loaded, openPage, pageAs, picture, sideways, signInAs } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { call, newCustomer, type SharedPlatform, sharedPlatform, webhooksAt } from "../support/platform.ts";

/** The console's pages with the longest names and the largest payloads, on a network that breaks, and with secrets that are masked. */

let platform: SharedPlatform;

const pageOf = (person: string, path: string, options?: Parameters<typeof openPage>[0]): Promise<Page> =>
  pageAs(platform.url, person, `/console${path}`, options);

const api = (method: string, path: string, body?: unknown) =>
  call(platform.url, method, path, { key: platform.sandboxKey, body });

async function sent(body: object): Promise<string> {
  const { json, text } = await api("POST", "/events", body);
  const id = json?.event_id as string;
  assert.ok(id, text);
  await eventually(
    () => api("GET", `/events/${id}`),
    ({ status }) => status === 200,
  );
  return id;
}

async function settled(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await loaded(page);
}

/** A button that worked and is gone is named in a hidden list of announcements for some seconds more. */
const passesAxe = (page: Page): Promise<unknown> =>
  eventually(
    async () => {
      if (await page.evaluate("'__pwClock' in globalThis")) await page.clock.runFor(8_000);
      return axeFaults(page);
    },
    (faults) => faults.length === 0,
    30_000,
  );

/** What the page's own code has thrown. */
function thrownOn(page: Page): string[] {
  const thrown: string[] = [];
  page.on("pageerror", ({ message }) => thrown.push(message));
  return thrown;
}

inBrowser(test, "the pages are not tried", () => {
  test.before(async () => {
    platform = await sharedPlatform();
    await call(platform.url, "GET", "/console/");
  });
  test("the longest names of types, workflows, keys and rules fit a phone and a laptop on every page that shows them", async () => {
    const long = (length: number) => "w".repeat(length);
    const type = long(256);
    const made = await api("POST", "/subscriptions", {
      workflow_id: long(256),
      webhook_url: `${platform.sinkUrl}/script/status/500?${long(200)}`,
      event_selector: { event_type: type, cel: `event.${long(200)} == "${long(200)}"` },
    });
    assert.equal(made.status, 201, made.text);
    const put = await api("PUT", `/event-types/${type}`, {
      type: "object",
      properties: { [long(200)]: { type: "string" } },
    });
    assert.equal(put.status, 200, put.text);
    const key = await api("POST", "/keys", { name: long(200) });
    assert.equal(key.status, 201, key.text);
    const rule = await api("POST", "/alert-rules", {
      name: long(200),
      kind: "metric",
      query: { measures: ["events"], last: "15m", filter: { event_type: [type] } },
      threshold: 1_000_000,
      for_minutes: 0,
    });
    assert.equal(rule.status, 201, rule.text);
    const id = await sent({ event_type: type, [long(200)]: long(200) });
    const report = await api("POST", "/reports", { name: long(200), template: "weekly", recipients: [] });
    assert.equal(report.status, 201, report.text);
    const page = await pageOf("Owner", "/settings?env=sandbox");
    const thrown = thrownOn(page);
    const wide: string[] = [];
    const about = `/subscriptions/${made.json.subscription_id}`;
    for (const path of [
      "/",
      "/events",
      `/events/${id}`,
      `/events/${id}?tab=payload`,
      `/events/${id}?tab=verdicts`,
      `/events/${id}?tab=deliveries`,
      "/deliveries",
      "/problems",
      "/subscriptions",
      about,
      `${about}?tab=selector`,
      `${about}?tab=changes`,
      `/match?subscription=${made.json.subscription_id}`,
      "/send",
      "/types",
      "/keys",
      "/alerts?tab=rules",
      "/reports",
      "/usage",
      "/audit",
    ]) {
      await page.goto(`${platform.url}/console${path}${path.includes("?") ? "&" : "?"}env=sandbox`);
      await settled(page);
      for (const width of [1_280, 320]) {
        await page.setViewportSize({ width, height: 720 });
        const over = await sideways(page);
        if (over > 0) wide.push(`${path} is ${over} px wider than a window of ${width} px`);
        await picture(page, `long names ${path.slice(0, 12)} ${path.split("?")[1] ?? ""} ${width}`);
      }
    }
    assert.deepEqual(wide, []);
    assert.deepEqual(thrown, []);
    await page.context().close();
  });

  test("a payload of a megabyte is shown whole, and so is one in the composer, which sends it", async () => {
    const page = await pageOf("Developer", "/settings?env=sandbox");
    const thrown = thrownOn(page);
    // As large as a request may be, less its other members.
    const text = "0123456789".repeat(99_900);
    const id = await sent({ event_type: "tried.large", text, last: "the end" });
    await page.goto(`${platform.url}/console/events/${id}?env=sandbox&tab=payload`);
    await page.getByText("the end").waitFor();
    assert.ok((await page.getByRole("figure", { name: "Payload" }).textContent())!.includes(text));
    assert.ok((await sideways(page)) <= 0);

    await page.goto(`${platform.url}/console/send?env=sandbox&tab=json`);
    const payload = page.getByRole("textbox", { name: "Payload" });
    await payload.fill(JSON.stringify({ event_type: "tried.large", text }));
    await page.getByRole("button", { name: "Send event" }).click();
    await page.getByRole("status").filter({ hasText: "Accepted: 202" }).waitFor();
    assert.deepEqual(thrown, []);
    await page.context().close();
  });

  test("a masked value is revealed for a minute to who says why, and the event's viewers and the audit log keep that", async () => {
    const id = await sent({ event_type: "tried.masked", card: "4111 1111 1111 1111", amount: 12.5 });
    const page = await openPage();
    await page.clock.install();
    await signInAs(page, platform.url, "Developer", `/console/events/${id}?env=sandbox&tab=payload`);
    const payload = page.getByRole("figure", { name: "Payload" });
    await payload.getByText('"***1111"').waitFor();
    await page.getByRole("button", { name: "Reveal" }).click();
    const dialog = page.getByRole("dialog", { name: "Show the payload without its mask" });
    // Without a reason nothing is shown.
    await dialog.getByRole("button", { name: "Reveal" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByLabel("Reason").fill("the customer asks about a payment");
    await dialog.getByRole("button", { name: "Reveal" }).click();
    await payload.getByText("4111 1111 1111 1111").waitFor();
    await page.getByText("Shown without its mask for one minute.").waitFor();
    await passesAxe(page);
    await picture(page, "revealed");
    await page.clock.fastForward("01:01");
    await payload.getByText('"***1111"').waitFor();
    await page.getByRole("tab", { name: "Viewers" }).click();
    const look = page.getByRole("row").filter({ hasText: "without its mask" });
    await look.getByText("the customer asks about a payment").waitFor();
    await look.getByText("Developer (developer)").waitFor();
    await page.context().close();

    const audit = await pageOf("Auditor", `/audit?object=${id}`);
    const entry = audit.getByRole("row").filter({ hasText: "reveal" });
    await entry.getByText("Developer (developer)").waitFor();
    await entry.getByRole("link", { name: /^Show details/ }).click();
    await audit.getByText("the customer asks about a payment").waitFor();
    await audit.context().close();
  });

  test("an owner invites a person, gives another role and removes them, and the last owner stays", async () => {
    const page = await pageOf("Owner", "/people");
    await page.getByRole("button", { name: "Invite" }).click();
    const invitation = page.getByRole("dialog", { name: "Invite a person" });
    await invitation.getByLabel("E-mail address").fill("no address");
    await invitation.getByRole("button", { name: "Invite" }).click();
    await invitation.getByLabel("E-mail address").fill("grace@example.com");
    await invitation.getByLabel("Role").selectOption("auditor");
    await invitation.getByRole("button", { name: "Invite" }).click();
    await invitation.waitFor({ state: "detached" });
    const row = page.getByRole("row").filter({ hasText: "grace@example.com" });
    await row.getByText("invited").waitFor();
    await page.getByRole("button", { name: "Change the role of grace@example.com" }).click();
    const role = page.getByRole("dialog", { name: "Role of grace@example.com" });
    await role.getByLabel("Role").selectOption("operations");
    await role.getByRole("button", { name: "Change role" }).click();
    await role.waitFor({ state: "detached" });
    await row.getByText("operations").waitFor();
    await row.getByRole("button", { name: "Remove" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await row.waitFor({ state: "detached" });

    await page.getByRole("button", { name: "Change the role of owner@demo.example" }).click();
    const own = page.getByRole("dialog", { name: "Role of owner@demo.example" });
    await own.getByLabel("Role").selectOption("developer");
    await own.getByRole("button", { name: "Change role" }).click();
    await own.getByRole("alert").getByText(/owner/).first().waitFor();
    await passesAxe(page);
    await picture(page, "last owner");
    await own.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("cell", { name: "owner Change the role of owner@demo.example" }).waitFor();
    await page.context().close();
  });

  test("back and forward, faster than pages come, end at the page of the address, and nothing is thrown", async () => {
    const page = await pageOf("Owner", "/events?env=sandbox");
    const thrown = thrownOn(page);
    const menu = page.getByRole("navigation", { name: "Main" });
    const names = ["Deliveries", "Problems", "Send an event", "Match studio", "Subscriptions", "Event types"];
    for (const name of names) await menu.getByRole("link", { name, exact: true }).click();
    await page.evaluate(`for (const step of [-1, -1, 1, -1, -1, 1, -1]) window.history.go(step)`);
    const heading = page.getByRole("heading", { level: 1 });
    await eventually(
      async () => [new URL(page.url()).pathname.slice("/console".length), await heading.textContent()],
      ([path, name]) => path !== "/types" && places.some((place) => place.path === path && place.name === name),
      30_000,
    );
    await settled(page);
    assert.deepEqual(thrown, []);
    await page.context().close();
  });

  test("a template is written and sent once, however often its idempotency key is used, and another event with that key is refused", async () => {
    const page = await pageOf("Developer", "/send?env=sandbox&tab=template");
    const payload = page.getByRole("textbox", { name: "Payload" });
    const { name, body } = templates.find((each) => each.name === "Payment failed")!;
    await page.getByRole("button", { name: new RegExp(`^${name}`) }).click();
    await page.getByRole("tab", { name: "JSON", selected: true }).waitFor();
    await eventually(
      async () => JSON.parse((await payload.textContent()) || "null"),
      (written) => JSON.stringify(written) === JSON.stringify(body),
    );
    await page.getByRole("button", { name: "New idempotency key" }).click();
    const key = await page.getByLabel("Idempotency key", { exact: true }).inputValue();
    assert.match(key, /^[0-9a-f-]{36}$/);
    const became = page.getByRole("region", { name: "Event", exact: true }).getByRole("status").first();
    const replayed = became.getByText("nothing was sent twice");
    const send = page.getByRole("button", { name: "Send event" });
    await send.click();
    const id = (await became.getByRole("link", { name: /^evt_/ }).textContent())!;
    assert.equal(await replayed.count(), 0);
    await send.click();
    await replayed.waitFor();
    assert.equal(await became.getByRole("link", { name: /^evt_/ }).textContent(), id);
    await eventually(
      () => api("GET", `/events/${id}`),
      ({ status }) => status === 200,
    );
    const stored = await api("GET", `/inbox?event_type=payment.failed&limit=100`);
    assert.deepEqual(
      stored.json.events.map(({ event_id, payload }: { event_id: string; payload: object }) => [event_id, payload]),
      [[id, body]],
    );
    await payload.fill('{"event_type":"payment.failed","amount":41}');
    await send.click();
    await page.getByText("idempotency_conflict").first().waitFor();
    assert.equal((await api("GET", `/inbox?event_type=payment.failed&limit=100`)).json.events.length, 1);
    await page.context().close();
  });

  test("a page that is loaded anew while it sends keeps the draft, and tells in its history what became of the event", async () => {
    const page = await pageOf("Developer", "/send?env=sandbox&tab=json");
    const thrown = thrownOn(page);
    const draft = '{"event_type":"tried.reloaded"}';
    const payload = page.getByRole("textbox", { name: "Payload" });
    await payload.fill(draft);
    await page.route("**/console/api/events", async (route) => {
      // The platform has it, and the browser leaves before it hears of that.
      await route.fetch();
      await page.reload();
    });
    const reloaded = page.waitForEvent("load");
    await page.getByRole("button", { name: "Send event" }).click();
    await reloaded;
    assert.equal(await payload.textContent(), draft);
    await page.getByRole("link", { name: "Sent events of the last 24 h" }).click();
    await page.getByRole("row").filter({ hasText: "tried.reloaded" }).first().waitFor();
    assert.deepEqual(thrown, []);
    await page.context().close();
  });

  test("a page whose script does not come says so, leaves the others usable, and comes when it is loaded anew", async () => {
    const page = await pageOf("Owner", "/events?env=sandbox");
    const menu = page.getByRole("navigation", { name: "Main" });
    await page.route(/assets\/replays-.*\.js$/, (route) => route.abort());
    await menu.getByRole("link", { name: "Replays" }).click();
    await page.getByRole("alert").getByText("This can't be shown.").waitFor();
    assert.deepEqual(await axeFaults(page), []);
    await menu.getByRole("link", { name: "Deliveries" }).click();
    await page.getByRole("heading", { level: 1, name: "Deliveries" }).waitFor();
    await menu.getByRole("link", { name: "Replays" }).click();
    await page.unroute(/assets\/replays-.*\.js$/);
    await page.getByRole("button", { name: "Load anew" }).click();
    await page.getByRole("heading", { level: 1, name: "Replays" }).waitFor();
    await page.context().close();
  });

  test("what was written while there was no network is tried and sent once there is one, and nothing says that it failed", async () => {
    const page = await pageOf("Developer", "/send?env=sandbox&tab=json");
    const payload = page.getByRole("textbox", { name: "Payload" });
    await payload.waitFor();
    await page.context().setOffline(true);
    const draft = '{"event_type":"tried.offline"}';
    await payload.fill(draft);
    await page.getByRole("button", { name: "Send event" }).click();
    const failed = page.getByText("The platform can't be reached. Is it running?");
    await failed.nth(1).waitFor();
    await page.context().setOffline(false);
    assert.equal(await payload.textContent(), draft);
    await page.getByRole("button", { name: "Send event" }).click();
    await page.getByRole("status").filter({ hasText: "Accepted: 202" }).waitFor();
    await failed.first().waitFor({ state: "detached" });
    await page.context().close();
  });

  test("a socket that is cut comes again by itself, and brings what happened meanwhile", async () => {
    const page = await openPage();
    let cut: (() => unknown) | undefined;
    let opened = 0;
    let closed = false;
    await page.routeWebSocket(/\/live\?/, (socket) => {
      if (closed) return void socket.close();
      opened += 1;
      socket.connectToServer();
      cut = () => socket.close();
    });
    await signInAs(page, platform.url, "Owner", "/console/events?env=sandbox&type=tried.cut");
    const state = page.getByRole("status").filter({ hasText: /^Live$/ });
    await state.waitFor();
    closed = true;
    await cut!();
    await page.getByText("No live connection: looking every few seconds").waitFor();
    await page.getByRole("link", { name: await sent({ event_type: "tried.cut", n: 1 }) }).waitFor();
    closed = false;
    await state.waitFor({ timeout: 60_000 });
    assert.ok(opened >= 2);
    await page.getByRole("link", { name: await sent({ event_type: "tried.cut", n: 2 }) }).waitFor();
    await page.context().close();
  });

  test("a list goes on although a question was never answered, and although its socket went silent", async () => {
    const page = await openPage();
    await page.clock.install();
    let opened = 0;
    let silent = false;
    await page.routeWebSocket(/\/live\?/, (socket) => {
      opened += 1;
      const mute = opened === 1;
      const server = socket.connectToServer();
      // The machine slept: the line is dead, and neither side has heard of it.
      socket.onMessage((message) => {
        if (!mute || !silent) server.send(message);
      });
      server.onMessage((message) => {
        if (!mute || !silent) socket.send(message);
      });
    });
    await signInAs(page, platform.url, "Owner", "/console/events?env=sandbox&type=tried.silent");
    await page
      .getByRole("status")
      .filter({ hasText: /^Live$/ })
      .waitFor();
    await page.getByRole("link", { name: await sent({ event_type: "tried.silent", n: 1 }) }).waitFor();
    const asked = Promise.withResolvers<void>();
    let held = 0;
    await page.route("**/console/api/inbox?**", (route) => {
      held += 1;
      if (held > 1) return route.continue();
      // Never answered.
      asked.resolve();
      return undefined;
    });
    const second = await sent({ event_type: "tried.silent", n: 2 });
    await asked.promise;
    await page.clock.fastForward("01:01");
    await sent({ event_type: "tried.silent", n: 3 });
    await page.getByRole("link", { name: second }).waitFor();

    silent = true;
    const fourth = await sent({ event_type: "tried.silent", n: 4 });
    await page.clock.fastForward("05:10");
    await page.clock.fastForward("00:20");
    await page.getByRole("link", { name: fourth }).waitFor();
    await page
      .getByRole("status")
      .filter({ hasText: /^Live$/ })
      .waitFor();
    assert.ok(opened >= 2);
    await page.context().close();
  });

  test("what the audit log tells of a subscription stands beside it, however much was changed since", async () => {
    const made = await api("POST", "/subscriptions", {
      webhook_url: `${platform.sinkUrl}/audited`,
      event_selector: "a",
    });
    // More entries than one page of the log has.
    for (let n = 0; n < 60; n += 1)
      assert.equal(
        (await api("PUT", "/event-types/tried.audited", { type: "object", maxProperties: 100 + n })).status,
        200,
      );
    const page = await pageOf("Owner", `/subscriptions/${made.json.subscription_id}?env=sandbox&tab=changes`);
    await page.getByText(/^subscription\.create by/).waitFor();
    assert.equal(await page.getByText(/^event_type\./).count(), 0);
    await page.goto(`${platform.url}/console/audit`);
    await page.getByRole("link", { name: "tried.audited" }).first().click();
    await page.getByText(/and there are more/).waitFor();
    assert.match(page.url(), /object=tried\.audited/);
    await page.context().close();
  });

  test("a key is listed by its beginning and its last four characters, a new text of it by those of the new one", async () => {
    const { json } = await api("POST", "/keys", { name: "tried" });
    const page = await pageOf("Owner", "/keys");
    const row = page.getByRole("row").filter({ hasText: "tried" });
    const shown = (key: string) => row.getByText(`${key.slice(0, 38)}_…${key.slice(-4)}`, { exact: true });
    await shown(json.api_key).waitFor();
    const rotated = await api("POST", `/keys/${json.key_id}/rotate`, {});
    await page.reload();
    await shown(rotated.json.api_key).waitFor();
    await page.context().close();
  });

  test("what was sent is sent again, as it was or changed, found by its type, and taken along as CSV and JSON", async () => {
    const page = await pageOf("Developer", "/send?env=sandbox&tab=json");
    const payload = page.getByRole("textbox", { name: "Payload" });
    await payload.fill('{"event_type":"tried.again","n":1}');
    await page.getByRole("button", { name: "Send event" }).click();
    await page.getByRole("status").filter({ hasText: "Accepted: 202" }).waitFor();
    await page.goto(`${platform.url}/console/send/history?env=sandbox&type=tried.again`);
    const rows = page.getByRole("row").filter({ hasText: "tried.again" });
    await rows.getByRole("link", { name: /^Open/ }).click();
    await page.getByRole("button", { name: "Send again" }).click();
    await page.getByText(/^Sent again: evt_/).waitFor();
    await rows.nth(1).waitFor();
    const taken = async (kind: string): Promise<string> => {
      await page.getByRole("button", { name: "Download", exact: true }).click();
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("menuitem", { name: kind, exact: true }).click(),
      ]);
      return readFileSync(await download.path(), "utf8");
    };
    const lines = (await taken("CSV")).trim().split("\r\n");
    assert.equal(lines.length, 3);
    assert.match(lines[0]!, /^at,environment,key,status,duration_ms,event_ids,body$/);
    const json = JSON.parse(await taken("JSON")) as { request: { body: string } }[];
    assert.deepEqual(
      json.map(({ request }) => request.body),
      Array.from({ length: 2 }, () => '{"event_type":"tried.again","n":1}'),
    );
    await page.getByRole("button", { name: "Change and send" }).click();
    await eventually(
      () => payload.textContent(),
      (text) => text === '{  "event_type": "tried.again",  "n": 1}',
    );
    await page.context().close();
  });

  test("the match studio counts recorded events in all three languages, names the clause of a near miss, and says what a backfill delivers before it saves", async () => {
    for (const amount of [5, 15]) await sent({ event_type: "tried.studio", amount });
    const page = await pageOf("Developer", "/match?env=sandbox");
    const found = page.getByRole("region", { name: "What it matches" });
    const counts = (matched: number) =>
      eventually(
        () => found.textContent(),
        (text) => text!.includes(`Matched${matched}Not matched`),
        30_000,
      );
    await page.getByRole("combobox", { name: "Event type" }).fill("tried.studio");
    await counts(2);
    const [path, cel] = ["JSONPath", "CEL"].map((name) => page.getByRole("textbox", { name }));
    await path!.fill("$.amount > 10");
    await counts(1);
    await path!.fill("");
    await counts(2);
    await cel!.fill("event.amount > 10.0");
    await counts(1);
    await found.getByText("amount 5 is not > 10").waitFor();
    await page.getByLabel("Webhook URL").fill(`${platform.sinkUrl}/studio`);
    await page.getByLabel("Backfill").selectOption("Of the last hour");
    await page.getByRole("button", { name: "Save" }).click();
    const dialog = page.getByRole("dialog", { name: "Make a subscription of it?" });
    await dialog.getByText("The backfill delivers 1 event of before.").waitFor();
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("The signing secret is shown this once.").waitFor();
    const got = await eventually(
      () => webhooksAt(platform, "/studio"),
      (posts) => posts.length > 0,
      60_000,
    );
    assert.deepEqual(
      got.flatMap(({ body }) =>
        (JSON.parse(body) as { payload: { amount: number } }[]).map(({ payload }) => payload.amount),
      ),
      [15],
    );
    await page.context().close();
  });

  test("a list stands still while more than its newest page is shown, reads none of its pages again, and goes back to the newest", async () => {
    const type = "tried.many";
    for (let n = 0; n < 3; n += 1) {
      const many = Array.from({ length: 40 }, () => ({ event_type: type }));
      assert.equal((await api("POST", "/events", many)).status, 202);
    }
    const page = await pageOf("Owner", `/events?env=sandbox&type=${type}`);
    await page
      .getByRole("status")
      .filter({ hasText: /^Live$/ })
      .waitFor();
    const rows = page.locator("main tbody tr");
    const shown = (count: number) =>
      eventually(
        () => rows.count(),
        (is) => is === count,
        30_000,
      );
    await shown(50);
    await page.getByRole("button", { name: "Show more" }).click();
    await shown(100);
    let again = 0;
    page.on("request", (request) => {
      if (new URL(request.url()).searchParams.has("cursor")) again += 1;
    });
    const id = await sent({ event_type: type });
    await page.getByText(/^Paused\. 1 new since/).waitFor();
    await shown(100);
    assert.equal(await page.getByRole("link", { name: id }).count(), 0);
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("link", { name: id }).waitFor();
    await shown(50);
    await page
      .getByRole("status")
      .filter({ hasText: /^Live$/ })
      .waitFor();
    assert.equal(again, 0);
    await page.context().close();
  });

  test("a session is ended from another browser, and leads back to where it was", async () => {
    const [page, other] = [await openPage(), await openPage()];
    await signInAs(page, platform.url, "Executive", "/console/settings");
    await signInAs(other, platform.url, "Executive", "/console/alerts?tab=rules");
    const sessions = page.getByRole("table", { name: "Your sessions" });
    await page.reload();
    await sessions.getByRole("button", { name: "End" }).click();
    await page.getByRole("dialog", { name: "End this session?" }).getByRole("button", { name: "End" }).click();
    await sessions.getByRole("button", { name: "End" }).waitFor({ state: "detached" });
    await other.reload();
    await other.getByRole("button", { name: "Sign in" }).click();
    await other.getByRole("button", { name: "Executive", exact: true }).click();
    await other.getByRole("navigation", { name: "Main" }).waitFor();
    assert.match(other.url(), /\/console\/alerts\?tab=rules$/);
    for (const each of [page, other]) await each.context().close();
  });

  test("a person of two customers moves between them, the sandbox says what it is, and a theme stays", async () => {
    const second = await newCustomer(platform, { name: `Second ${"w".repeat(190)}` });
    const invited = await call(platform.url, "POST", "/people", {
      key: second.api_key,
      body: { email: "business@demo.example", role: "auditor" },
    });
    assert.equal(invited.status, 201, invited.text);
    const page = await pageOf("Business", "/settings?env=sandbox");
    const sandbox = page.getByText(
      "Sandbox: events, subscriptions and deliveries here are kept apart from what is live.",
    );
    await sandbox.waitFor();
    await page.getByLabel("Environment").selectOption("Live");
    await sandbox.waitFor({ state: "detached" });
    await page.getByLabel("Theme").selectOption("Dark");
    const background = () => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    const dark = await background();
    await page.getByRole("combobox", { name: "Customer" }).selectOption({ index: 1 });
    await page.waitForURL(/\/console\/(\?|$)/);
    await page.goto(`${platform.url}/console/settings`);
    await page.getByText(/^auditor in Second w+$/).waitFor();
    assert.equal(await background(), dark);
    await page.getByLabel("Theme").selectOption("Light");
    assert.notEqual(await background(), dark);
    for (const width of [1_280, 320]) {
      await page.setViewportSize({ width, height: 720 });
      assert.ok((await sideways(page)) <= 0, `${width} px`);
    }
    await page.context().close();
  });

  test("who makes the first subscription is led there from the composer, and is told where it may deliver to on this machine", async () => {
    const page = await pageOf("Developer", "/send?env=sandbox&tab=json");
    const keys = page.getByLabel("API key");
    await keys.getByRole("option", { name: /^live/ }).first().waitFor({ state: "attached" });
    const live = (await keys.getByRole("option").allTextContents()).find((name) => name.startsWith("live"));
    await keys.selectOption({ label: live! });
    await page.getByRole("textbox", { name: "Payload" }).fill('{"event_type":"tried.first"}');
    // Nothing here makes a subscription of the live side.
    await page.getByText("There is no subscription on this side").waitFor();
    await page.getByRole("link", { name: "Make one" }).click();
    await page.getByRole("heading", { level: 1, name: "Subscriptions" }).waitFor();
    assert.match(page.url(), /env=live/);
    await page.getByRole("button", { name: "New subscription" }).click();
    await page
      .getByRole("dialog")
      .getByText(/or http on this machine/)
      .waitFor();
    await page.context().close();
  });

  test("a subscription that fails is told so, however many others deliver", async () => {
    const names = [...Array.from({ length: 100 }, (_, n) => `many-${n}`), "script/status/500?of-many"];
    for (let at = 0; at < names.length; at += 10)
      await Promise.all(
        names.slice(at, at + 10).map(async (name) => {
          const body = { workflow_id: name, webhook_url: `${platform.sinkUrl}/${name}`, event_selector: "tried.many" };
          const made = await api("POST", "/subscriptions", body);
          assert.equal(made.status, 201, made.text);
        }),
      );
    const query = {
      measures: ["delivered", "failed"],
      last: "1h",
      interval: "none",
      filter: { event_type: ["tried.many"] },
    };
    const counted = () => api("POST", "/metrics/query", query);
    await eventually(
      async () => {
        if ((await counted()).json.totals.delivered === 0) await sent({ event_type: "tried.many" });
        return (await counted()).json.totals;
      },
      ({ delivered, failed }) => delivered >= 100 && failed > 0,
      60_000,
    );
    const page = await pageOf("Owner", "/subscriptions?env=sandbox&workflow=of-many");
    await page
      .getByRole("row")
      .filter({ hasText: "of-many" })
      .getByText(/0 delivered, [1-9]\d* failed/)
      .waitFor();
    await page.context().close();
  });
});

test.run();
