// group: shared 2
import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { test } from "uvu";
import { places } from "../../console/src/places.ts";
import { may, type Permission, type Role, roles } from "../../runtime/domain/people/roles.ts";
import { axeFaults as faults } from "../support/axe.ts";
import { chromiumHere, closeBrowser, openPage, picture, signInAs } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { call, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** The console's pages in a real browser, through the real front door. */

let platform: SharedPlatform;
const named = (role: Role): string => role[0]!.toUpperCase() + role.slice(1);

const signIn = (page: Page, role: Role, path?: string): Promise<void> =>
  signInAs(page, platform.url, named(role), path);

async function go(page: Page, path: string, heading: string): Promise<void> {
  await page.goto(`${platform.url}/console${path}`);
  await settled(page, heading);
}

async function settled(page: Page, heading: string): Promise<void> {
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  // Every view has come to one of its states.
  await eventually(
    () => page.getByText("Loading…", { exact: true }).count(),
    (count) => count === 0,
    30_000,
  );
}

const shown = places.filter(({ path }) => !path.includes(":"));

if (chromiumHere() === undefined) {
  test("there is no Chromium on this machine, so the pages are not tried in one: install it, or name one by CHROMIUM", () =>
    assert.equal(process.env.CI, undefined, "CI tries the pages in a browser: .ci/run installs one"));
} else {
  test.before(async () => {
    platform = await sharedPlatform();
    await platform.pages();
    const post = async (path: string, body: unknown) =>
      assert.ok((await call(platform.url, "POST", path, { key: platform.sandboxKey, body })).status < 300);
    await post("/subscriptions", {
      workflow_id: "orders in the browser",
      webhook_url: `${platform.sinkUrl}/browser`,
      event_selector: { event_type: "browser.order", cel: "event.amount > 100.0" },
    });
    await post("/events", [{ event_type: "browser.first", amount: 1 }]);
  });
  test.after(closeBrowser);

  for (const role of roles)
    test(`${role} sees the places of the role, and no fault of theirs by axe`, async () => {
      const page = await openPage();
      const errors: string[] = [];
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message) => {
        if (/Content Security Policy|Trusted/i.test(message.text())) errors.push(message.text());
      });
      await signIn(page, role, "/console/settings?env=sandbox");
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
        if (role !== "owner" && role !== "operator") continue;
        assert.deepEqual(await faults(page), [], `${name}, in light`);
        await picture(page, `${role} ${name}`);
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

  test("every page is whole in the dark, on a phone and in letters of twice the size: nothing scrolls sideways", async () => {
    const page = await openPage({ colorScheme: "dark", viewport: { width: 320, height: 640 } });
    await signIn(page, "owner");
    for (const { path, name, permission } of shown) {
      if (permission === "customers") continue;
      await go(page, `${path}?env=sandbox`, name);
      assert.deepEqual(await faults(page), [], `${name}, dark, 320 px`);
      const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
      assert.ok(Number(wide) <= 0, `${name} is ${wide} px wider than a phone`);
      await picture(page, `phone ${name}`);
    }
    await page.setViewportSize({ width: 1_280, height: 900 });
    for (const [path, name] of [
      ["/send", "Send an event"],
      ["/events", "Events"],
      ["/keys", "API keys"],
    ] as const) {
      await go(page, path, name);
      await page.evaluate("document.documentElement.style.fontSize = '200%'");
      assert.deepEqual(await faults(page), [], `${name}, in letters of twice the size`);
    }
    await page.context().close();
  });

  test("a newcomer sends an event, sees it arrive, changes the selector and sees why the next one did not match", async () => {
    const page = await openPage();
    await signIn(page, "developer", "/console/send?env=sandbox");
    await page.getByRole("tab", { name: "JSON" }).waitFor();
    const payload = page.getByRole("textbox", { name: "Payload" });
    await payload.fill('{"event_type":"browser.order","amount":150}');
    await page.getByRole("button", { name: "Try", exact: true }).click();
    await page.getByText("would receive it").waitFor();
    await page.getByRole("button", { name: "Send event" }).click();
    const link = page.getByRole("status").getByRole("link", { name: /^evt_/ });
    const id = (await link.textContent())!;
    await page.getByRole("button", { name: "Send again" }).waitFor();
    await picture(page, "sent");

    await go(page, "/events?env=sandbox", "Events");
    await page.getByRole("link", { name: id }).click();
    await page.getByRole("heading", { level: 1, name: "Event" }).waitFor();
    for (const tab of ["Story", "Payload", "Verdicts", "Deliveries", "Viewers"]) {
      await page.getByRole("tab", { name: tab }).click();
      await page.getByRole("tabpanel", { name: tab }).waitFor();
    }
    await page.getByText("Developer (developer)").waitFor();

    await go(page, "/subscriptions?env=sandbox", "Subscriptions");
    await page.getByRole("link", { name: "orders in the browser" }).click();
    await page.getByRole("tab", { name: "Selector" }).click();
    await page.getByRole("textbox", { name: "CEL" }).fill("event.amount > 200.0");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText(/^Saved/).waitFor();

    await go(page, "/match?env=sandbox&type=browser.order&cel=event.amount%20%3E%20200.0", "Match studio");
    await page.getByText("amount 150 is not > 200").first().waitFor();
    assert.deepEqual(await faults(page), []);
    await page.context().close();
  });

  test("an event that arrives is seen without a touch, and waits while the list is paused", async () => {
    const page = await openPage();
    await signIn(page, "owner", "/console/events?env=sandbox&type=browser.live");
    const send = async (n: number) => {
      const answer = await call(platform.url, "POST", "/events", {
        key: platform.sandboxKey,
        body: { event_type: "browser.live", n },
      });
      return answer.json.event_id as string;
    };
    await page.getByRole("link", { name: await send(1) }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    const second = await send(2);
    await page.getByText(/^Paused\. 1 new since/).waitFor();
    assert.equal(await page.getByRole("link", { name: second }).count(), 0);
    await page.getByRole("button", { name: "show them" }).click();
    await page.getByRole("link", { name: second }).waitFor();
    await page.context().close();
  });

  test("hostile payloads are text: markup, letters from right to left, a thousand members", async () => {
    const page = await openPage();
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
    await signIn(page, "owner", `/console/events/${json.event_id}?env=sandbox&tab=payload`);
    await page.getByText("member_999_").waitFor();
    await go(page, "/events?env=sandbox", "Events");
    await page.getByText(markup).first().waitFor();
    await go(page, "/types?env=sandbox", "Event types");
    await page.getByText(markup).first().waitFor();
    assert.deepEqual(alarms, []);
    assert.equal(await page.locator("img").count(), 0);
    const wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert.ok(Number(wide) <= 0);
    await page.context().close();
  });

  test("keys alone lead anywhere", async () => {
    const page = await openPage();
    await signIn(page, "owner");
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

  test("who touches nothing for a while is warned, then signed out, and finds again what they were writing", async () => {
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
    assert.equal(await page.getByRole("textbox", { name: "Payload" }).inputValue(), '{"event_type":"kept"}');
    await page.context().close();
  });

  test("signing out is two clicks, and ends the session", async () => {
    const page = await openPage();
    await signIn(page, "auditor");
    await page.getByRole("button", { name: "Account" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByText("You are signed out.").waitFor();
    await page.goto(`${platform.url}/console/audit`);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await page.context().close();
  });
}

test.run();
