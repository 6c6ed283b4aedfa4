// group: shared 2
import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import { suite } from "uvu";
import { eventually } from "../support/eventually.ts";
import { call, newCustomer, type SharedPlatform, sharedPlatform } from "../support/platform.ts";

const test = suite("Zapier's life cycle");
let platform: SharedPlatform;
test.before(async () => {
  platform = await sharedPlatform();
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

test("subscribe, an event arrives as a signed array, 410 ends it, and nothing more is sent", async () => {
  const { api_key: key } = await newCustomer(platform);
  const zap = await startZap();
  try {
    // Turning the Zap on: Zapier's subscribe call.
    const subscribed = await call(platform.url, "POST", "/subscriptions", {
      key,
      body: { target_url: zap.url, event_selector: "$.event_type == 'order.created'", workflow_id: "zap_123" },
    });
    assert.deepEqual([subscribed.status, subscribed.json.webhook_url], [201, zap.url]);
    const { subscription_id, signing_secret } = subscribed.json;

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
    const unsubscribed = await call(platform.url, "DELETE", `/subscriptions/${subscription_id}`, { key });
    assert.equal(unsubscribed.status, 204);
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
