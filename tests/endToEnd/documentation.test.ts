// group: browser 3
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { suite } from "uvu";
import { listen } from "../../local/listen.ts";
import { waitingAnswer } from "../../local/product/waitingPage.ts";
import { axeFaults } from "../support/axe.ts";
import { inBrowser, openPage, picture, sideways } from "../support/browser.ts";
import { eventually } from "../support/eventually.ts";
import { call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

/** The documentation in a real browser, through the real front door: how it looks, its search, its forms, the first page without a terminal. */
const test = suite("documentation in a browser");
const root = join(import.meta.dirname, "../..");
let platform: SharedPlatform;

test("pages come by every spelling of their path, with a strict policy, compressed, and Markdown beside them", async () => {
  platform = await sharedPlatform();
  const headers = { "accept-encoding": "br, gzip" };
  const [page, same, errors, text] = await Promise.all(
    ["/docs", "/docs/", "/docs/errors", "/docs/errors.md"].map((path) => call(platform.url, "GET", path, { headers })),
  );
  assert.deepEqual([page!.status, page!.text], [200, same!.text]);
  assert.match(page!.text, /POST \/events/);
  const policy = page!.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';/);
  assert.doesNotMatch(policy, /'unsafe-/);
  assert.equal(page!.headers.get("cache-control"), "no-cache");
  assert.equal(page!.headers.get("content-encoding"), "br");
  assert.ok(errors!.text.includes('id="rate_limited"'));
  assert.match(text!.text, /^# Errors\n/);
  const [, asset] = /href="(\/docs\/_astro\/[^"]+\.css)"/.exec(page!.text)!;
  const style = await call(platform.url, "GET", asset!);
  assert.equal(style.headers.get("cache-control"), "public, max-age=31536000, immutable");
  const [list, atRoot] = await Promise.all(
    ["/docs/llms.txt", "/llms.txt"].map((path) => call(platform.url, "GET", path)),
  );
  assert.deepEqual([atRoot!.status, atRoot!.text], [200, list!.text]);
  assert.match(list!.text, /^# Triggers\n/);
});

test("a missing page is 404 with a page of links, under the same policy; a missing event is 404 in JSON", async () => {
  for (const path of ["/docs/no-such-page", "/docs/guides/none/", "/docs/none.png"]) {
    const missing = await call(platform.url, "GET", path, { headers: { accept: "text/html" } });
    assert.deepEqual([missing.status, missing.headers.get("content-type")], [404, "text/html; charset=utf-8"], path);
    assert.match(missing.text, /<h1>This page is not there<\/h1>/);
    assert.match(missing.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    for (const [, target] of missing.text.matchAll(/href="([^"]+)"/g))
      assert.equal((await call(platform.url, "GET", target!)).status, 200, target);
  }
  const text = await call(platform.url, "GET", "/docs/none.md");
  assert.deepEqual([text.status, text.headers.get("content-type")], [404, "text/markdown; charset=utf-8"]);
  const { api_key: key } = await newCustomer(platform);
  const event = await call(platform.url, "GET", "/events/evt_01M88FFK1QVXXRB524PVS8B7M0", { key });
  assert.deepEqual([event.status, event.json.error.code], [404, "not_found"]);
});

inBrowser(test, "the pages are not tried", () => {
  /** Fails at the end of a test for what the policy refused, and for a request to another host. */
  function watch(page: Page): string[] {
    const faults: string[] = [];
    page.on("pageerror", ({ message }) => faults.push(message));
    page.on("console", (message) => {
      if (/Content Security Policy|Trusted|Refused/i.test(message.text())) faults.push(message.text());
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(platform.url)) faults.push(`asks ${request.url()}`);
    });
    return faults;
  }
  const open = (page: Page, path: string) => page.goto(`${platform.url}${path}`, { waitUntil: "networkidle" });

  /** The beginnings of tables of which a column is beyond the edge. */
  const tablesBeyond = (page: Page) =>
    page.evaluate(
      "[...document.querySelectorAll('.table')].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent.slice(0, 80))",
    );

  test("pages have no fault by axe, in light and dark, wide and on a phone, where neither a page nor a table scrolls sideways", async () => {
    for (const [colorScheme, width] of [
      ["light", 1_280],
      ["dark", 320],
    ] as const) {
      const page = await openPage({ colorScheme, viewport: { width, height: 900 } });
      const faults = watch(page);
      for (const path of [
        "/docs/",
        "/docs/start/browser/",
        "/docs/reference/events/",
        "/docs/errors/",
        "/docs/guides/limits/",
        "/docs/guides/moving-from-svix/",
        "/docs/cli/",
        "/docs/roles/",
        "/docs/no-such-page/",
      ]) {
        await open(page, path);
        if (path.includes("reference"))
          await page.getByRole("button", { name: "Try it: POST /events", exact: true }).click();
        assert.deepEqual(await axeFaults(page), [], `${path} ${colorScheme} ${width}`);
        const wide = await sideways(page);
        assert.ok(wide <= 0, `${path} is ${wide} px wider than ${width}`);
        if (width === 320) assert.deepEqual(await tablesBeyond(page), [], path);
        await picture(page, `docs ${path} ${colorScheme}`);
      }
      assert.deepEqual(faults, []);
      await page.context().close();
    }
  });

  test("a page that is still built says so, passes axe, and is then replaced by the built page", async () => {
    const { promise: built, resolve } = Promise.withResolvers<void>();
    const server = createServer((incoming, response) => {
      const headers = new Map(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
      void waitingAnswer({ method: "GET", uri: incoming.url!, headers }, () => built).then(async (answer) => {
        if (answer === undefined) await built;
        response.writeHead(answer?.status ?? 200, answer?.headers ?? { "content-type": "text/html" });
        response.end(answer?.body ?? "<title>there</title><h1>Errors</h1>");
      });
    });
    const port = await listen(server, 0);
    const page = await openPage({ colorScheme: "dark", viewport: { width: 320, height: 640 } });
    const answer = await page.goto(`http://127.0.0.1:${port}/docs/errors`);
    assert.equal(answer?.status(), 503);
    assert.deepEqual(await axeFaults(page), []);
    await picture(page, "docs being built");
    resolve();
    await page.getByRole("heading", { name: "Errors" }).waitFor();
    await page.context().close();
    server.closeAllConnections();
    server.close();
  });

  test("the search finds the page about a word, by keyboard alone and without another host", async () => {
    const page = await openPage();
    const faults = watch(page);
    await open(page, "/docs/");
    await page.keyboard.press("Control+K");
    await page.getByRole("searchbox", { name: "Search the documentation" }).fill("idempotency key");
    await page.getByRole("dialog").getByRole("link", { name: "Idempotency", exact: true }).waitFor();
    assert.deepEqual(await axeFaults(page), []);
    await picture(page, "docs search");
    // Pages for operators come after those for everybody.
    await page.getByRole("searchbox", { name: "Search the documentation" }).fill("429");
    await eventually(
      () => page.getByRole("dialog").getByRole("link").first().getAttribute("href"),
      (href) => href !== null && /\/docs\/(guides|errors|reference|sdks|start)/.test(href),
    );
    await page.getByRole("searchbox", { name: "Search the documentation" }).fill("idempotency key");
    await page.getByRole("dialog").getByRole("link", { name: "Idempotency", exact: true }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/docs\/.+/);
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test("a search on the page of a 404 leads to the page that it finds", async () => {
    const page = await openPage();
    const faults = watch(page);
    await open(page, "/docs/no-such-page/");
    await page.getByLabel("Search the documentation").fill("idempotency key");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("dialog").getByRole("link", { name: "Idempotency", exact: true }).waitFor();
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  test("a language that is chosen once holds on the next page", async () => {
    const page = await openPage();
    await open(page, "/docs/reference/events/");
    await page.getByRole("tab", { name: "Python" }).first().click();
    await page.getByRole("tab", { name: "Python" }).first().press("ArrowRight");
    await open(page, "/docs/reference/inbox/");
    assert.equal(await page.getByRole("tab", { name: "Node.js" }).first().getAttribute("aria-selected"), "true");
    await page.context().close();
  });

  test("a reader with only a browser subscribes, sends an event and verifies its signature on that page", async () => {
    const page = await openPage();
    const faults = watch(page);
    const { sandbox_key, api_key } = await newCustomer(platform);
    await open(page, "/docs/start/browser/");
    const address = (await page.locator('[data-here="/browser-start"]').textContent())!;
    assert.equal(address, `${platform.sinkUrl}/browser-start`);
    const subscribe = page.locator("try-it").nth(0);
    await subscribe.getByRole("button", { name: "Try it: POST /subscriptions" }).click();
    await subscribe.getByLabel("Sandbox key").fill(api_key);
    await subscribe.getByRole("button", { name: "Send request" }).click();
    await subscribe.getByText("A sandbox key is needed").waitFor();
    await subscribe.getByLabel("Sandbox key").fill(sandbox_key);
    const body = await subscribe.getByLabel("Body").inputValue();
    await subscribe.getByLabel("Body").fill(body.replace("https://…", address));
    await subscribe.getByRole("button", { name: "Send request" }).click();
    await subscribe.getByText(/^201 /).waitFor();
    // The answer is longer than a phone is wide, and scrolls in its place.
    await page.setViewportSize({ width: 320, height: 900 });
    const sizes = await subscribe.evaluate((one) => [
      one.querySelector("pre")!.getBoundingClientRect().right,
      one.querySelector("form")!.getBoundingClientRect().right,
    ]);
    assert.ok(sizes[0]! <= sizes[1]!, `the answer ends at ${sizes[0]} px, its form at ${sizes[1]} px`);
    await page.setViewportSize({ width: 1_280, height: 900 });
    const { signing_secret } = JSON.parse((await subscribe.getByRole("region", { name: "Answer" }).textContent())!);
    const send = page.locator("try-it").nth(1);
    await send.getByRole("button", { name: "Try it: POST /events" }).click();
    assert.equal(await send.getByLabel("Sandbox key").inputValue(), sandbox_key);
    const shown = await eventually(
      async () => {
        await send.getByRole("button", { name: "Send request" }).click();
        await send.getByText(/^202 /).waitFor();
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        return (await fetch(`${platform.sinkUrl}/requests?path=/browser-start`)).text();
      },
      (text) => text.includes("webhook-signature"),
      30_000,
    );
    const verify = page.locator("verify-form");
    await verify.getByLabel("Signing secret").fill(signing_secret);
    await verify.getByLabel("What the receiver shows").fill(shown);
    await verify.getByRole("button", { name: "Verify" }).click();
    await verify.getByText(/The signature is right\. Your code has the event evt_/).waitFor();
    await verify.getByLabel("What the receiver shows").fill(shown.replaceAll("A-1001", "A-1002"));
    await verify.getByRole("button", { name: "Verify" }).click();
    await verify.getByText("Not verified: no signature is right").waitFor();
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  const exampleOf = (name: string) => readFileSync(join(root, `examples/browser/${name}.js`), "utf8");

  test("a web page sends events by the examples for browsers, with a key for its origin", async () => {
    const page = await openPage();
    const { api_key } = await newCustomer(platform);
    const made = await call(platform.url, "POST", "/keys", { key: api_key, body: { allowed_origins: [platform.url] } });
    assert.equal(made.status, 201, made.text);
    await open(page, "/docs/");
    for (const name of ["send", "send-many", "idempotency"]) {
      const said = page.waitForEvent("console");
      await page.evaluate(
        `{ const TRIGGERS_URL = ${JSON.stringify(platform.url)}; const TRIGGERS_API_KEY = ${JSON.stringify(made.json.api_key)};\n${exampleOf(name)} }`,
      );
      const answer = (await (await said).args()[0]!.jsonValue()) as { status?: string; events?: { status: string }[] };
      const all = answer.events ?? [answer];
      assert.deepEqual([...new Set(all.map(({ status }) => status))], ["accepted"], name);
    }
    await page.context().close();
  });

  test("a web page hears of an event by the example for browsers, with a ticket from its server", async () => {
    const page = await openPage();
    const { api_key: key } = await newCustomer(platform);
    await open(page, "/docs/");
    const ticket = await call(platform.url, "POST", "/live/tickets", { key });
    const said = page.waitForEvent("console");
    await page.evaluate(
      `{ ${exampleOf("live").replace("export ", "")}\nwatch(${ticket.text}, (event) => console.log(event.event_id)); }`,
    );
    const sending = setInterval(
      () => void call(platform.url, "POST", "/events", { key, body: { event_type: "order.created" } }),
      1_000,
    );
    try {
      assert.match((await said).text(), /^evt_/);
    } finally {
      clearInterval(sending);
    }
    await page.context().close();
  });
});

test.run();
