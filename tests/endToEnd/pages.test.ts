// group: browser 1
import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import PostalMime from "postal-mime";
import { test } from "uvu";
import { places } from "../../console/src/places.ts";
import { may, type Permission, type Role, roles } from "../../runtime/domain/people/roles.ts";
import { axeFaults as faults } from "../support/axe.ts";
import { inBrowser, loaded, openPage, pageAs, picture, sideways, signInAs } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { call, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** The console's pages in a real browser, through the real front door. */

let platform: SharedPlatform;
const named = (role: Role): string => role[0]!.toUpperCase() + role.slice(1);

const signIn = (page: Page, role: Role, path?: string): Promise<void> =>
  signInAs(page, platform.url, named(role), path);

const pageOf = (role: Role, path?: string, options?: Parameters<typeof openPage>[0]): Promise<Page> =>
  pageAs(platform.url, named(role), path, options);

async function go(page: Page, path: string, heading: string): Promise<void> {
  await page.goto(`${platform.url}/console${path}`);
  await settled(page, heading);
}

async function settled(page: Page, heading: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  await loaded(page);
}

/** Texts of the cells whose content goes beyond their edge, where a card would cut it off. */
const cutOff = async (page: Page): Promise<unknown> =>
  page.evaluate(
    "[...document.querySelectorAll('td')].filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)",
  );

/** Our own words that a line's end breaks: names of fields, columns and buttons. */
const brokenWords = async (page: Page): Promise<unknown> =>
  page.evaluate(`[...document.querySelectorAll("td > span:first-child, button, label, legend, dt, h1, nav a")]
    .filter((element) => element.checkVisibility())
    .flatMap((element) => [...element.childNodes])
    .filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
    .flatMap((text) =>
      [...text.data.matchAll(/[^\\s-]+/g)]
        .filter(({ 0: word, index }) => {
          const range = document.createRange();
          range.setStart(text, index);
          range.setEnd(text, index + word.length);
          return range.getClientRects().length > 1;
        })
        .map(([word]) => word),
    )`);

/** How far apart the lines of text in the phone's bottom bar are, in pixels: nothing where each name is whole and all stand in a row. */
const spreadOfBar = async (page: Page): Promise<number> => {
  const lines = (await page.evaluate(`[...document.querySelectorAll("nav")]
    .filter((nav) => getComputedStyle(nav).position === "fixed" && nav.checkVisibility())
    .flatMap((nav) => [...nav.children])
    .flatMap((each) => {
      const text = document.createRange();
      text.selectNodeContents(each);
      return [...text.getClientRects()].map(({ top, bottom }) => (top + bottom) / 2);
    })`)) as number[];
  assert.ok(lines.length > 1, "a phone has a bottom bar");
  return Math.max(...lines) - Math.min(...lines);
};

/** Looks at a page that is loaded once in each way that people see it. */
async function inEveryMode(page: Page, role: Role, name: string): Promise<void> {
  const look = async (mode: string) => {
    // What watches sizes is told in the next frame, and draws in the one after.
    await page.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))",
    );
    assert.deepEqual(await faults(page), [], `${name}, ${mode}`);
    await picture(page, `${role} ${name} ${mode}`);
  };
  await look("light");
  await page.evaluate("document.documentElement.style.fontSize = '200%'");
  await look("letters of twice the size");
  await page.evaluate("document.documentElement.style.fontSize = ''");
  await page.emulateMedia({ colorScheme: "dark" });
  await look("dark");
  await page.setViewportSize({ width: 320, height: 640 });
  await look("dark, 320 px wide");
  assert.ok((await sideways(page)) <= 0, `${name} is ${await sideways(page)} px wider than a phone`);
  assert.deepEqual(await cutOff(page), [], `${name}: cells of cards hold more than they show`);
  assert.deepEqual(await brokenWords(page), [], `${name}: words are broken`);
  assert.ok((await spreadOfBar(page)) < 6, `${name}: a name in the bottom bar breaks, or the bar does`);
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1_280, height: 900 });
}

/** The code that was last sent to an address. */
async function codeSentTo(address: string): Promise<string> {
  const messages = await eventually(
    async () => {
      const { messages } = (await (await fetch(`${platform.outboxUrl}/messages`)).json()) as {
        messages: { to: string; text: string }[];
      };
      return messages.filter(({ to, text }) => to.includes(address) && /\b\d{6}\b/.test(text));
    },
    (found) => found.length > 0,
  );
  return /\b(\d{6})\b/.exec(messages.at(-1)!.text)![1]!;
}

/** The newest mail to an address about something, as a file. */
async function mailTo(address: string, about: string): Promise<string> {
  const found = await eventually(
    async () => {
      const { messages } = (await (await fetch(`${platform.outboxUrl}/messages`)).json()) as {
        messages: { to: string; subject?: string; file: string }[];
      };
      return messages.filter(({ to, subject }) => to.includes(address) && subject?.includes(about));
    },
    (mails) => mails.length > 0,
  );
  return `${platform.outboxUrl}/messages/${found.at(-1)!.file}`;
}
/** The words of an element, in order. */
const wordsOf = async (element: Locator): Promise<readonly string[]> =>
  ((await element.textContent()) ?? "").split(/\s+/).filter((word) => word !== "");

const shown = places.filter(({ path }) => !path.includes(":"));

inBrowser(test, "the pages are not tried", () => {
  test.before(async () => {
    platform = await sharedPlatform();
    // Who asks for a page waits until the console's are built, and for no others.
    await call(platform.url, "GET", "/console/");
    const post = async (path: string, body: unknown) =>
      assert.ok((await call(platform.url, "POST", path, { key: platform.sandboxKey, body })).status < 300);
    await post("/subscriptions", {
      workflow_id: "orders in the browser",
      webhook_url: `${platform.sinkUrl}/browser`,
      event_selector: { event_type: "browser.order", cel: "event.amount > 100.0" },
    });
    await post("/subscriptions", {
      workflow_id: "an endpoint that fails",
      webhook_url: `${platform.sinkUrl}/script/status/500`,
      event_selector: "browser.broken",
    });
    await post("/events", [
      { event_type: "browser.first", amount: 1 },
      { event_type: "browser.broken", n: 1 },
      { event_type: "browser.broken", n: 2 },
    ]);
    // It rings within a minute or two: the last test looks whether it has.
    await post("/alert-rules", {
      name: "Events of the browser's tests",
      kind: "metric",
      query: { measures: ["events"], last: "15m", filter: { event_type: ["browser.first"] } },
      threshold: 0,
      for_minutes: 0,
    });
  });
  test("the first page brings at most 150,000 bytes of script, as they are sent", async () => {
    const page = await pageOf("owner");
    // Someone who comes for the first time: nothing is kept of the page where one signs in.
    const first = await openPage({ storageState: await page.context().storageState() });
    await first.goto(`${platform.url}/console/`, { waitUntil: "load" });
    await first.getByRole("heading", { level: 1, name: "Overview", exact: true }).waitFor();
    const sizes = (await first.evaluate(`performance
      .getEntriesByType("resource")
      .filter(({ name }) => new URL(name).pathname.endsWith(".js"))
      .map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize])`)) as [string, number][];
    const sum = sizes.reduce((sum, [, size]) => sum + size, 0);
    assert.ok(sizes.length > 5 && sum > 100_000, JSON.stringify(sizes));
    assert.ok(sum <= 150_000, `${sum} bytes: ${JSON.stringify(sizes)}`);
    await first.context().close();
    await page.context().close();
  });

  for (const role of roles)
    test(`${role} sees the pages of this role, and all of them pass axe`, async () => {
      const page = await pageOf(role, "/console/settings?env=sandbox");
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => {
        if (/Content Security Policy|Trusted/i.test(message.text())) errors.push(message.text());
      });
      const wanted = shown.filter(({ permission }) => permission === undefined || may(role, permission as Permission));
      const links = await page.getByRole("navigation", { name: "Main" }).getByRole("link").allTextContents();
      assert.deepEqual(
        links.filter((name) => name !== "Triggers"),
        [...wanted].sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group)).map(({ name }) => name),
      );
      for (const { path, name } of wanted) {
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
        await settled(page, name);
        assert.equal(new URL(page.url()).pathname, `/console${path}`);
        // The owner and the operator together see every page.
        if (role === "owner" || role === "operator") await inEveryMode(page, role, name);
      }
      const [closed] = shown.filter((place) => place.path !== "/" && !wanted.includes(place));
      if (closed !== undefined) {
        await go(page, closed.path, closed.name);
        await page.getByText("Your role does not include this.").waitFor();
      }
      assert.deepEqual(errors, []);
      await page.context().close();
    });
  const order = ["Look", "Do", "Manage", "Platform"];

  test("a newcomer sends an event, sees it arrive, changes the selector and sees why the next one did not match", async () => {
    const page = await pageOf("developer", "/console/send?env=sandbox");
    const payload = page.getByRole("textbox", { name: "Payload" });
    await payload.fill('{"event_type":"browser.order","amount":150}');
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await page.getByText(/^✓\s*would receive it$/).waitFor();
    await page.getByRole("button", { name: "Send event" }).click();
    const link = page.getByRole("status").getByRole("link", { name: /^evt_/ });
    const id = (await link.textContent())!;
    await page.getByRole("button", { name: "Send again" }).waitFor();
    await picture(page, "sent");

    await page.getByRole("link", { name: "See what arrives" }).click();
    await settled(page, "Events");
    await page.getByRole("link", { name: id }).click();
    await page.getByRole("heading", { level: 1, name: "Event", exact: true }).waitFor();
    for (const tab of ["Story", "Payload", "Verdicts", "Deliveries", "Viewers"]) {
      await page.getByRole("tab", { name: tab }).click();
      await page.getByRole("tabpanel", { name: tab }).waitFor();
    }
    await page.getByText("Developer (developer)").waitFor();
    // A tab is a link of its own: another page shows the same by it.
    const address = await page.getByRole("tab", { name: "Verdicts" }).getAttribute("href");
    await page.goto(new URL(address!, platform.url).href);
    await page.getByRole("tabpanel", { name: "Verdicts" }).waitFor();
    await page.getByRole("tab", { name: "Verdicts" }).press("ArrowRight");
    await page.getByRole("tabpanel", { name: "Deliveries" }).waitFor();
    assert.match(page.url(), /tab=deliveries/);

    await go(page, "/subscriptions?env=sandbox", "Subscriptions");
    await page.getByRole("link", { name: "orders in the browser" }).click();
    await page.getByRole("tab", { name: "Selector" }).click();
    await page.getByRole("textbox", { name: "CEL" }).fill("event.amount > 200.0");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/^Saved/).waitFor();

    await go(page, "/match?env=sandbox&type=browser.order&cel=event.amount%20%3E%20200.0", "Match studio");
    await page.getByText("amount 150 is not > 200").first().waitFor();
    assert.deepEqual(await faults(page), []);

    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Problems" }).click();
    await settled(page, "Problems");
    const problem = page.getByRole("listitem").filter({ hasText: "an endpoint that fails" });
    await problem.getByText("5xx response (500)").waitFor();
    await problem.getByText("What to do:").waitFor();
    await problem.getByRole("link", { name: "Look at a delivery" }).click();
    await settled(page, "Deliveries");
    await page.getByText(/Attempt 1/).waitFor();
    await page.getByRole("checkbox").first().check();
    await page.getByText("1 chosen").waitFor();
    await page.getByRole("button", { name: "Retry", exact: true }).last().click();
    const dialog = page.getByRole("dialog", { name: "Try 1 delivery now?" });
    await dialog.getByRole("button", { name: "Retry" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText(/Attempt 2/).waitFor();
    await page.context().close();
  });

  test("a new event appears by itself, and waits while the list is paused", async () => {
    const page = await pageOf("owner", "/console/events?env=sandbox&type=browser.live");
    const send = async (n: number) => {
      const answer = await call(platform.url, "POST", "/events", {
        key: platform.sandboxKey,
        body: { event_type: "browser.live", n },
      });
      return answer.json.event_id as string;
    };
    // While it says so, nothing is looked up: what comes has been told.
    await page.getByText("Live", { exact: true }).and(page.getByRole("status")).waitFor();
    await page.getByRole("link", { name: await send(1) }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    const second = await send(2);
    await page.getByText(/^Paused\. 1 new since/).waitFor();
    assert.equal(await page.getByRole("link", { name: second }).count(), 0);
    await page.getByRole("button", { name: "show them" }).click();
    await page.getByRole("link", { name: second }).waitFor();

    // Where there is no socket, the pages say so and look by themselves; what is being written stays.
    await page.routeWebSocket(/\/live\?/, (socket) => socket.close());
    await page.goto(`${platform.url}/console/send?env=sandbox&tab=json`);
    await page.getByRole("textbox", { name: "Payload" }).fill('{"event_type":"browser.draft"}');
    await go(page, "/events?env=sandbox&type=browser.live", "Events");
    await page.getByText("No live connection: looking every few seconds").waitFor();
    await page.getByText("Quota and alerts: looked up every 20 s").waitFor();
    await page.getByRole("link", { name: await send(3) }).waitFor();
    await page.getByRole("link", { name: "Send an event", exact: true }).click();
    const draft = page.getByRole("textbox", { name: "Payload" });
    await draft.waitFor();
    assert.equal(await draft.textContent(), '{"event_type":"browser.draft"}');
    await page.context().close();
  });

  test("the form has the fields of the type's schema, shows each fault at its field, and keeps every typed digit", async () => {
    const schema = {
      type: "object",
      required: ["amount", "customer"],
      properties: {
        amount: { type: "number" },
        currency: { title: "Currency", enum: ["EUR", "USD"] },
        customer: { type: "object", required: ["email"], properties: { email: { type: "string", minLength: 3 } } },
      },
    };
    const path = "/event-types/browser.form";
    const put = await call(platform.url, "PUT", path, { key: platform.sandboxKey, body: schema });
    assert.equal(put.status, 200, put.text);
    const page = await pageOf("developer", "/console/send?env=sandbox&tab=json");
    await page
      .getByRole("textbox", { name: "Payload" })
      .fill('{"event_type":"browser.form","id":98765432109876543210}');
    const form = page.getByRole("tab", { name: "Form" });
    assert.match((await form.getAttribute("href"))!, /^\/console\/send\?.*tab=form/);
    await form.click();
    await page.getByLabel("Currency").selectOption("EUR");
    await page.getByLabel("amount").fill("much");
    await page
      .getByText(/must be number/)
      .first()
      .waitFor();
    await page.getByLabel("amount").fill("12345678901234567890.10");
    await page
      .getByRole("group", { name: /^customer/ })
      .getByLabel("email")
      .fill("a");
    const fault = page.getByRole("group", { name: /^customer/ }).getByText(/must NOT have fewer than 3 characters/);
    await fault.waitFor();
    assert.deepEqual(await faults(page), []);
    await picture(page, "form");
    await page
      .getByRole("group", { name: /^customer/ })
      .getByLabel("email")
      .fill("ada@example.com");
    await fault.waitFor({ state: "detached" });
    // Back leads to the tab before.
    await page.goBack();
    const text = await page.getByRole("textbox", { name: "Payload" }).textContent();
    assert.match(text!, /"id":\s*98765432109876543210/);
    assert.match(text!, /"amount": 12345678901234567890\.10/);
    assert.equal(JSON.parse(text!).customer.email, "ada@example.com");
    await page.context().close();
  });

  test("a change of a schema is tried on recorded events before it is saved", async () => {
    const send = (body: object) => call(platform.url, "POST", "/events", { key: platform.sandboxKey, body });
    const { json } = await send({ event_type: "browser.tried", amount: "much" });
    await eventually(
      () => call(platform.url, "GET", `/events/${json.event_id}`, { key: platform.sandboxKey }),
      ({ status }) => status === 200,
    );
    const page = await pageOf("developer", "/console/types?env=sandbox");
    await page.getByRole("button", { name: "New schema" }).click();
    const dialog = page.getByRole("dialog", { name: "Register a schema" });
    await dialog.getByLabel("Event type").fill("browser.tried");
    await dialog.getByLabel("JSON Schema (2020-12)").fill('{"properties":{"amount":{"type":"number"}}}');
    await dialog.getByText("The newest event of browser.tried would be refused now.").waitFor();
    await dialog.getByText("must be number (type)").waitFor();
    await dialog.getByRole("link", { name: json.event_id }).waitFor();
    assert.deepEqual(await faults(page), []);
    await picture(page, "schema tried");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByText(/Press Save once more/).waitFor();
    await dialog.getByLabel("JSON Schema (2020-12)").fill('{"properties":{"amount":{"type":"string"}}}');
    await dialog.getByText(/would be accepted/).waitFor();
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("cell", { name: "browser.tried", exact: true }).first().waitFor();
    await page.context().close();
  });

  test("the editor marks a fault where it stands, and offers members from the type's schema and from recorded events", async () => {
    const schema = { type: "object", properties: { amount: { type: "number" }, event_type: { type: "string" } } };
    const put = await call(platform.url, "PUT", "/event-types/browser.checked", {
      key: platform.sandboxKey,
      body: schema,
    });
    assert.equal(put.status, 200, put.text);
    const recorded = { event_type: "browser.checked", amount: 1, seen_before: true };
    const { json } = await call(platform.url, "POST", "/events", { key: platform.sandboxKey, body: recorded });
    await eventually(
      () => call(platform.url, "GET", `/events/${json.event_id}`, { key: platform.sandboxKey }),
      ({ status }) => status === 200,
    );
    const page = await pageOf("developer", "/console/send?env=sandbox&tab=json");
    const payload = page.getByRole("textbox", { name: "Payload" });
    await payload.fill('{"event_type":"browser.checked","amount":"much"}');
    await eventually(
      () => page.locator(".cm-lintRange-error").allTextContents(),
      (marked) => marked.join("") === '"much"',
      30_000,
    );
    await page
      .getByText(/amount must be number/)
      .first()
      .waitFor();
    await payload.fill('{"event_type":"browser.checked","amount":01}');
    await page
      .getByText(/line 1, column/)
      .first()
      .waitFor();
    await payload.fill('{"event_type":"browser.checked",');
    await payload.press("ControlOrMeta+End");
    await payload.press("Control+Space");
    const amount = page.getByRole("option", { name: /amount/ });
    await amount.waitFor();
    // The list comes once and whole: one that came in two parts lost clicks between them.
    assert.equal(await page.getByRole("option", { name: /seen_before/ }).count(), 1);
    await amount.click();
    assert.equal(await payload.textContent(), '{"event_type":"browser.checked","amount": 0');
    await page.context().close();
  });

  test("the documentation of a page is beside it, and closes by its key", async () => {
    const page = await pageOf("developer", "/console/send?env=sandbox");
    await page.getByRole("button", { name: "?", exact: true }).click();
    const drawer = page.getByRole("complementary", { name: "Documentation" });
    await drawer.getByRole("region", { name: "POST /events", exact: true }).waitFor();
    for (const tab of ["Examples", "Troubleshooting", "Practice"]) {
      await drawer.getByRole("tab", { name: tab }).click();
      await drawer.getByRole("tabpanel", { name: tab }).waitFor();
    }
    assert.match(page.url(), /docs=practice/);
    assert.deepEqual(await faults(page), []);
    await picture(page, "documentation");
    await drawer.press("Escape");
    await drawer.waitFor({ state: "detached" });
    await page.context().close();
  });

  test("a rule is tried on the last 30 days, saved and switched off, and a channel is verified by its code and tested", async () => {
    const page = await pageOf("operations", "/console/alerts?env=sandbox&tab=rules");
    await page.getByRole("link", { name: "New rule" }).click();
    const editor = page.getByRole("form", { name: "New rule" });
    await editor.getByLabel("Name").fill("Orders fail");
    await editor.getByLabel("Kind").selectOption("Another metric");
    await editor.getByLabel("Metric").selectOption("Failed");
    await editor.getByLabel("Event type").fill("browser.order");
    await editor.getByLabel("Threshold").fill("5");
    await editor.getByRole("button", { name: "Preview" }).click();
    await page
      .getByRole("status")
      .getByText(/^It would (not )?have rung/)
      .waitFor({ timeout: 60_000 });
    assert.deepEqual(await faults(page), []);
    await picture(page, "alert rule");
    await editor.getByRole("button", { name: "Save" }).click();
    await page.getByRole("article", { name: "Rule Orders fail" }).getByText("Failed above 5, for 5 min").waitFor();
    await page.getByRole("button", { name: "Disable Orders fail" }).click();
    await page.getByRole("button", { name: "Enable Orders fail" }).waitFor();

    await page.getByRole("tab", { name: "Channels" }).click();
    const address = "browser@example.com";
    await page.getByLabel("E-mail address").fill(address);
    await page.getByRole("button", { name: "Add channel" }).click();
    const channel = page.getByRole("article", { name: `Channel ${address}` });
    await channel.getByRole("button", { name: "Enter code" }).click();
    await page.getByRole("textbox", { name: "Code" }).fill(await codeSentTo(address));
    await page.getByRole("dialog").getByRole("button", { name: "Enter code" }).click();
    await channel.getByRole("button", { name: "Test" }).click();
    await channel.getByText("The test was sent.").waitFor();
    await page.context().close();
  });

  test("a report is seen as its mail before it is sent, goes to a verified address, and its runs can be read", async () => {
    const page = await pageOf("operations", "/console/reports?env=sandbox");
    await page.getByRole("link", { name: "New report" }).click();
    const editor = page.getByRole("form", { name: "New report" });
    await editor.getByLabel("Name").fill("Weekly figures");
    await editor.getByLabel("browser@example.com").check();
    await editor.getByRole("button", { name: "Preview" }).click();
    const preview = page.getByRole("region", { name: "Preview" });
    await preview.getByText("Events and deliveries by day").first().waitFor({ timeout: 60_000 });
    assert.equal(await preview.getByText("In short").evaluate((element) => getComputedStyle(element).fontSize), "16px");
    assert.deepEqual(await faults(page), []);
    await picture(page, "report");
    const previewed = await wordsOf(preview.locator("div").nth(1));
    await editor.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Run now" }).click();
    const link = page.getByRole("link", { name: "HTML" });
    await link.waitFor({ timeout: 120_000 });
    const [kept, eml] = await Promise.all(
      [(await link.getAttribute("href"))!, await mailTo("browser@example.com", "Weekly figures")].map(async (url) =>
        (await fetch(url)).text(),
      ),
    );
    const mail = await openPage();
    for (const html of [kept!, (await PostalMime.parse(eml!)).html!]) {
      await mail.setContent(html);
      const words = await wordsOf(mail.locator("body"));
      // A preview is sent to nobody who could unsubscribe.
      assert.deepEqual(
        words.filter((word) => word !== "Unsubscribe"),
        previewed,
      );
    }
    await mail.context().close();
    await page.getByRole("cell", { name: "browser@example.com" }).waitFor();
    await page.getByRole("cell", { name: "you, in the console" }).waitFor();
    await page.context().close();
  });

  test("hostile payloads are text: markup, letters from right to left, a thousand members", async () => {
    const page = await pageOf("owner", "/console/settings");
    const alarms: string[] = [];
    page.on("dialog", (dialog) => {
      alarms.push(dialog.message());
      void dialog.dismiss();
    });
    const markup = "<img src=x onerror=alert(1)><script>alert(2)</script>";
    const body = {
      event_type: markup,
      text: `\u202e${markup} مرحبا`,
      __proto__: 1,
      ...Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`member_${at}_${"x".repeat(40)}`, at])),
    };
    const { json } = await call(platform.url, "POST", "/events", { key: platform.sandboxKey, body });
    await page.goto(`${platform.url}/console/events/${json.event_id}?env=sandbox&tab=payload`);
    await page.getByText("member_999_").waitFor();
    await go(page, "/events?env=sandbox", "Events");
    await page.getByText(markup).first().waitFor();
    await go(page, "/types?env=sandbox", "Event types");
    await page.getByText(markup).first().waitFor();
    assert.deepEqual(alarms, []);
    assert.equal(await page.locator("img").count(), 0);
    assert.ok((await sideways(page)) <= 0);
    await page.context().close();
  });

  test("a link to an old entry of the audit log opens that entry, and the newest ones stand below", async () => {
    // More entries than one page of the list has.
    for (let n = 0; n < 60; n += 1) {
      const path = `/event-types/browser.audited_${n % 2}`;
      const body = { type: "object", maxProperties: 100 + n };
      assert.equal((await call(platform.url, "PUT", path, { key: platform.sandboxKey, body })).status, 200);
    }
    const page = await pageOf("owner", "/console/audit?open=3");
    const entry = page.getByRole("region", { name: "Entry 3", exact: true });
    await entry.getByRole("figure", { name: "Details of entry 3" }).waitFor();
    assert.match((await entry.getByRole("figure").textContent())!, /"prev_hash": "[0-9a-f]{64}"/);
    await page.getByRole("table", { name: "Audit log, newest first" }).getByText("browser.audited_1").first().waitFor();
    assert.deepEqual(await faults(page), []);
    await picture(page, "an old entry of the audit log");
    await go(page, "/audit?open=999999", "Audit log");
    await page.getByText("The log has no entry 999999.").waitFor();
    await page.context().close();
  });

  test("keys alone lead anywhere", async () => {
    const page = await pageOf("owner");
    await page.keyboard.press("Control+K");
    await page.keyboard.type("audit");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Audit log" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("k");
    await page.getByRole("heading", { level: 1, name: "API keys" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("e");
    await page.getByRole("heading", { level: 1, name: "Events" }).waitFor();
    await page.context().close();
  });

  test("an idle person is warned, then signed out, and finds their text again", async () => {
    const page = await openPage();
    await page.clock.install();
    await signIn(page, "developer", "/console/send?env=sandbox&tab=json");
    await page.getByRole("textbox", { name: "Payload" }).fill('{"event_type":"kept"}');
    await page.clock.fastForward("13:30");
    await page.getByRole("alertdialog", { name: "Are you still there?" }).waitFor();
    assert.equal(await page.evaluate("document.activeElement.textContent"), "Stay signed in");
    await page.clock.fastForward("02:00");
    await page.getByText(/^You were signed out after 15 minutes/).waitFor();
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("button", { name: "Developer" }).click();
    await page.getByRole("heading", { level: 1, name: "Send an event" }).waitFor();
    assert.equal(new URL(page.url()).search, "?env=sandbox&tab=json");
    assert.equal(await page.getByRole("textbox", { name: "Payload" }).textContent(), '{"event_type":"kept"}');
    await page.context().close();
  });

  test("the bell counts firing alerts, and leads to the page that acknowledges them, on a phone too", async () => {
    const page = await pageOf("operations", "/console/deliveries?env=sandbox", {
      viewport: { width: 320, height: 640 },
    });
    await page.getByRole("link", { name: /^[1-9]\d* active alerts?$/ }).click({ timeout: 180_000 });
    const alert = page.getByRole("article", { name: "Alert Events of the browser's tests" });
    await alert.getByRole("link", { name: "Events of the browser's tests" }).click();
    assert.match(page.url(), /alert=alt_/);
    await alert.getByRole("button", { name: "Acknowledge" }).click();
    await alert.getByText(/by you$/).waitFor();
    await alert.getByRole("button", { name: "Snooze" }).click();
    await page.getByRole("menuitem", { name: "For 1 hour" }).click();
    await alert.getByText("Snoozed until").waitFor();
    assert.ok((await sideways(page)) <= 0);
    await picture(page, "alert on a phone");
    await page.context().close();
  });

  test("signing out is two clicks, and ends the session; the same browser then signs another person in", async () => {
    const page = await openPage();
    await signIn(page, "auditor");
    await page.getByRole("button", { name: "Account" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();
    await page.goto(`${platform.url}/console/audit`);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await signIn(page, "developer", "/console/settings");
    await page.getByText("Developer (developer@demo.example)").waitFor();
    await page.context().close();
  });
});

test.run();
