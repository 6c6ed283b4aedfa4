// group: shared 2
import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { suite } from "uvu";
import { eventually } from "../support/eventually.ts";
import { call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

const test = suite("Zapier's life cycle");
const require = createRequire(import.meta.url);
// Elsewhere its library ends a process whose memory it finds too large, as if it were alone there. It looks while it is loaded.
const { NODE_ENV } = process.env;
process.env.NODE_ENV = "test";
/** The app as Zapier gets it, and Zapier's own library around it. */
const app = require("../../integrations/zapier/index.js");
const { createAppHandler, createAppTester } = require("zapier-platform-core");
if (NODE_ENV === undefined) delete process.env.NODE_ENV;
else process.env.NODE_ENV = NODE_ENV;
// biome-ignore lint/suspicious/noExplicitAny: a function of the app, and a bundle as Zapier makes it
const run: (perform: unknown, bundle: object) => Promise<any> = createAppTester(app);
const { performSubscribe, performUnsubscribe, perform, performList } = app.triggers.event.operation;

let platform: SharedPlatform;
test.before(async () => {
  platform = await sharedPlatform();
});

test("the app is valid by Zapier's own schema", async () => {
  assert.deepEqual((await createAppHandler(app)({ command: "validate" }, {})).results, []);
  const broken = { ...app, triggers: { event: { ...app.triggers.event, noun: undefined } } };
  assert.equal((await createAppHandler(broken)({ command: "validate" }, {})).results.length, 1);
});

test("the app's test accepts a valid key, and refuses another one in the platform's words", async () => {
  const { api_key } = await newCustomer(platform);
  const authData = { base_url: platform.url, api_key };
  assert.deepEqual((await run(app.authentication.test, { authData })).subscriptions, []);
  await assert.rejects(
    run(app.authentication.test, { authData: { ...authData, api_key: "trg_live_x_y" } }),
    /API key is missing or not valid/,
  );
});

test("the action sends an event, once by its key, and the search finds it", async () => {
  const { api_key } = await newCustomer(platform);
  const authData = { base_url: platform.url, api_key };
  const inputData = {
    event_type: "zapier.sent",
    fields: { note: "from a Zap" },
    payload: '{"n":7}',
    deduplicate_by: "order 7",
  };
  const send = () => run(app.creates.send_event.operation.perform, { authData, inputData });
  const sent = await send();
  assert.deepEqual([sent.id, sent.status], [sent.event_id, "accepted"]);
  assert.equal((await send()).event_id, sent.event_id);
  await assert.rejects(
    run(app.creates.send_event.operation.perform, { authData, inputData: { payload: "[1]" } }),
    /not a JSON object/,
  );
  const find = (inputData: object) => run(app.searches.find_event.operation.perform, { authData, inputData });
  const [found] = await eventually(
    () => find({ event_id: sent.event_id }),
    ({ length }) => length > 0,
  );
  assert.deepEqual([found.id, found.payload], [sent.event_id, { n: 7, note: "from a Zap", event_type: "zapier.sent" }]);
  assert.deepEqual((await find({ event_type: "zapier.*", text: "FROM a zap" }))[0].id, sent.event_id);
  assert.deepEqual(await find({ event_id: "evt_01M88FFK1QVXXRB524PVS8B7M0" }), []);
  // What is recorded is what a Zap that is edited shows as samples.
  const samples = await run(performList, { authData, inputData: { event_selector: "zapier.sent" } });
  assert.deepEqual(
    samples.map(({ id }: { id: string }) => id),
    [sent.event_id],
  );
  await assert.rejects(run(performList, { authData, inputData: { event_selector: "$.[" } }), /event_selector/);
});

/** Zapier's side of one Zap: it takes hooks while the Zap is on, and answers 410 once it was turned off. */
async function startZap() {
  const hooks: { headers: IncomingHttpHeaders; body: string }[] = [];
  let on = true;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      hooks.push({ headers: request.headers, body: Buffer.concat(chunks).toString("utf8") });
      response.writeHead(on ? 200 : 410, { "content-type": "application/json" }).end('{"status":"success"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/standard/1/abc/`,
    hooks,
    turnOff: () => {
      on = false;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

test("a Zap subscribes, gets an event as a signed array, ends with 410, and then gets no further event", async () => {
  const { api_key: key } = await newCustomer(platform);
  const zap = await startZap();
  try {
    // Turning the Zap on: Zapier's subscribe call.
    const authData = { base_url: platform.url, api_key: key };
    const subscribeData = await run(performSubscribe, {
      authData,
      targetUrl: zap.url,
      inputData: { event_selector: "$.event_type == 'order.created'" },
      meta: { zap: { id: 123 } },
    });
    const { subscription_id } = subscribeData;
    assert.deepEqual([subscribeData.webhook_url, subscribeData.workflow_id], [zap.url, "zapier_123"]);
    const rotated = await call(platform.url, "POST", `/subscriptions/${subscription_id}/rotate-secret`, {
      key,
      body: {},
    });
    const { signing_secret } = rotated.json;

    const send = async (id: number): Promise<string> => {
      const sent = await call(platform.url, "POST", "/events", { key, body: { event_type: "order.created", id } });
      assert.equal(sent.status, 202);
      return sent.json.event_id;
    };
    const statusOf = async (eventId: string) =>
      (await call(platform.url, "GET", `/events/${eventId}`, { key })).json.status;

    const first = await send(1);
    await eventually(
      () => zap.hooks.length,
      (count) => count === 1,
    );
    const hook = zap.hooks[0]!;
    const events = JSON.parse(hook.body);
    assert.deepEqual(
      events.map((event: { event_id: string; event_type: string; payload: unknown }) => [
        event.event_id,
        event.event_type,
        event.payload,
      ]),
      [[first, "order.created", { event_type: "order.created", id: 1 }]],
    );
    const items = await run(perform, { cleanedRequest: events });
    assert.deepEqual(items, [{ id: first, ...events[0] }]);
    new Webhook(signing_secret).verify(hook.body, hook.headers as Record<string, string>);
    assert.equal(hook.headers["triggers-subscription-id"], subscription_id);
    await eventually(
      () => statusOf(first),
      (status) => status === "delivered",
    );

    // Turning it off without an unsubscribe call: the next hook is answered 410.
    zap.turnOff();
    await send(2);
    const read = () => call(platform.url, "GET", `/subscriptions/${subscription_id}`, { key });
    await eventually(
      async () => (await read()).status,
      (status) => status === 404,
    );
    const sentUntilThen = zap.hooks.length;

    // A change is effective for events accepted five seconds later: until then an invocation may remember the hook.
    const removedAt = Date.now();
    await eventually(
      () => Date.now() - removedAt,
      (passed) => passed >= 5_000,
    );
    const third = await send(3);
    await eventually(
      () => statusOf(third),
      (status) => status === "unmatched",
    );
    assert.equal(zap.hooks.length, sentUntilThen);

    // Zapier's unsubscribe call, late: as if it had been in time.
    assert.deepEqual(await run(performUnsubscribe, { authData, subscribeData }), {});
    const { audit } = (await call(platform.url, "GET", "/audit", { key })).json;
    assert.deepEqual(
      [audit[0].action, audit[0].object, audit[0].details.reason],
      ["subscription.remove", subscription_id, "webhook_gone"],
    );
  } finally {
    await zap.close();
  }
});

test.run();
