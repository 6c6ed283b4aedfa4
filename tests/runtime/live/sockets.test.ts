import assert from "node:assert/strict";
import { ScanCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { suite } from "uvu";
import type { Table } from "../../../runtime/aws/tables.ts";
import { newUlid } from "../../../runtime/domain/ids.ts";
import type { Follow, LiveDelivery, LiveEvent, PublishRequest, Watcher } from "../../../runtime/domain/live.ts";
import { type FollowPorts, follow, type Listed } from "../../../runtime/live/follow.ts";
import { publish } from "../../../runtime/live/publish.ts";
import { closed, opened, said } from "../../../runtime/live/socket.ts";
import {
  beginMeasuring,
  connectionsOf,
  endMeasuring,
  goOnMeasuring,
  groupOf,
  follow as markFollowed,
  mayBeHeard,
  noteSkipped,
  restMeasuring,
  subscribe,
  takeRoom,
  takeSkipped,
  unsubscribe,
} from "../../../runtime/sockets/connections.ts";
import { issueTicket, takeTicket } from "../../../runtime/sockets/tickets.ts";
import { openStorage, type Storage } from "../../support/storage.ts";

/** Sockets over a real table, between an API Gateway of this test and a clock that only moves when told. */

const test = suite("sockets of those who watch");
const START = Date.parse("2026-11-27T12:00:00Z");
const who: Watcher = { key_id: "key_1", limit_per_second: 100 };

let storage: Storage;
let sockets: Table;
let tenants = 0;
test.before(async () => {
  storage = await openStorage();
  sockets = storage.store.events;
});
test.after(() => storage.close());

/** @param listed what is stored @param seenAfter milliseconds after which what was stored is read */
function world(listed: readonly Listed[] = [], seenAfter = 0) {
  tenants += 1;
  const tenant = `cus_live${tenants}`;
  let clock = START;
  const sent: { id: string; message: Record<string, unknown>; at: number }[] = [];
  const gone = new Set<string>();
  const asked: { op: string }[] = [];
  /** What the publishing function was asked for. */
  const published: PublishRequest[] = [];
  const lost = new Set<string>();
  const ports: FollowPorts = {
    log: () => {},
    sockets,
    service: (async (request: { op: string }) => {
      asked.push(request);
      return { answer: {}, bytes: 0 };
    }) as never,
    posting: {
      async post(id, message) {
        if (gone.has(id)) return false;
        sent.push({ id, message: message as Record<string, unknown>, at: clock });
        return true;
      },
      close: async (id) => void lost.add(id),
    },
    now: () => clock,
    sleep: async (ms) => {
      clock += ms;
    },
    keyStands: async (id) => id !== "key_revoked",
    personStands: async (_, id, role) => id !== "psn_removed" && role === "operations",
    list: async (_, { from, routed_from }) => ({
      listed: listed.filter(
        ({ event, routed_at }) =>
          Date.parse(event.received_at) >= from && routed_at >= routed_from && routed_at + seenAfter <= clock,
      ),
      next: undefined,
    }),
  };
  const ask = async (request: PublishRequest) => void published.push(request);
  const socketPorts = { sockets, service: ports.service, ask, now: () => clock, failed: () => {} };
  const open = async (id: string, by: Watcher = who) => {
    const socket = { tenant, connection_id: id, who: by, ends_at: clock + 7_200_000 };
    const status = await opened(socket, socketPorts);
    return { status, say: (message: object) => said(socket, JSON.stringify(message), "req_1", socketPorts) };
  };
  return {
    ...{ tenant, ports, sent, gone, lost, asked, published, open, socketPorts },
    advance: (ms: number) => {
      clock += ms;
    },
  };
}

const event = (n: number, at = START): LiveEvent => ({
  event_id: `evt_${newUlid(at)}`,
  event_type: `type.${n}`,
  ...{ received_at: new Date(at).toISOString(), status: "pending", key_id: "key_1" },
});

const key = (n: number): Watcher => ({ ...who, key_id: `key_${n}` });

test("a customer has a hundred sockets, and the next one is 429", async () => {
  const { open, tenant } = world();
  for (let n = 0; n < 100; n += 1) assert.equal((await open(`s${n}`, key(n % 4))).status, 200);
  assert.equal((await open("one more", key(9))).status, 429);
  assert.equal((await connectionsOf(sockets, tenant)).length, 100);
});

test("sockets whose time is over leave their room to others, though nobody closed them", async () => {
  const { open, advance } = world();
  for (let n = 0; n < 25; n += 1) await open(`s${n}`, key(1));
  assert.equal((await open("early", key(1))).status, 429);
  advance(7_200_001);
  assert.equal((await open("late", key(1))).status, 200);
});

test("a person or a key has twenty-five sockets, beside those of others", async () => {
  const { open } = world();
  for (let n = 0; n < 25; n += 1) assert.equal((await open(`k${n}`, key(1))).status, 200);
  assert.equal((await open("one more", key(1))).status, 429);
  const person = { limit_per_second: 100, session: "s", role: "operations", person_id: "psn_1" } as Watcher;
  for (let n = 0; n < 25; n += 1) assert.equal((await open(`p${n}`, person)).status, 200);
  assert.equal((await open("one more", person)).status, 429);
  assert.equal((await open("another's", { ...person, person_id: "psn_2" })).status, 200);
});

test("sockets of a customer ask for twenty different figures, and any number of them for the same", async () => {
  const { open, tenant, socketPorts } = world();
  const all = await Promise.all(Array.from({ length: 22 }, (_, n) => open(`s${n}`, key(n))));
  const ask = async (n: number, filter: object) => JSON.parse(await all[n]!.say({ subscribe: "metrics", filter }));
  const ofType = (n: number) => ({ event_type: [`type.${n}`], key_id: ["key_1"] });
  for (let n = 0; n < 20; n += 1) assert.deepEqual(await ask(n, ofType(n)), { subscribed: "metrics" });
  assert.equal((await ask(20, ofType(20))).error.code, "limit_reached");
  assert.deepEqual(await ask(21, { key_id: ["key_1"], event_type: ["type.3"] }), { subscribed: "metrics" });
  // A socket's own filter is replaced.
  assert.deepEqual(await ask(19, ofType(20)), { subscribed: "metrics" });
  assert.equal((await ask(20, ofType(19))).error.code, "limit_reached");
  await closed({ tenant, connection_id: "s0" }, socketPorts);
  assert.deepEqual(await ask(20, ofType(19)), { subscribed: "metrics" });
});

test("a socket has one subscription to a channel, its last", async () => {
  const { open, tenant } = world();
  const { say } = await open("s");
  await say({ subscribe: "alerts", filter: { severity: "info" } });
  assert.equal(await say({ subscribe: "alerts", filter: { severity: "critical" } }), '{"subscribed":"alerts"}');
  const [socket] = await connectionsOf(sockets, tenant);
  assert.deepEqual(socket!.subscriptions, {
    alerts: { filter: { severity: ["critical"] }, following: 0, asked_at: START },
  });
});

test("when several take room at once, fifty messages a second have it, and then fifty more", async () => {
  const { open, tenant } = world();
  await open("s");
  const take = (now: number) =>
    Promise.all([30, 30, 30, 7].map((wanted) => takeRoom(sockets, tenant, "s", wanted, now)));
  const sum = (all: number[]) => all.reduce((a, b) => a + b, 0);
  assert.equal(sum(await take(START)), 50);
  assert.equal(sum(await take(START + 999)), 0);
  assert.equal(sum(await take(START + 1_000)), 50);
});

test("fifty messages are sent, and the number of the rest once the second is over", async () => {
  const { open, tenant, ports, sent, advance } = world();
  await (await open("s")).say({ subscribe: "events" });
  advance(20_000);
  const events = Array.from({ length: 70 }, (_, n) => event(n));
  await publish({ tenant, events, untold: { events: 5 } }, ports);
  assert.equal(sent.filter(({ message }) => "event_id" in message).length, 50);
  assert.deepEqual(sent.at(-1), { id: "s", message: { channel: "events", skipped: 25 }, at: START + 21_000 });
});

test("nothing that happens to a socket that is forgotten makes it known again", async () => {
  const { tenant } = world();
  const subscription = { filter: {}, following: 0, asked_at: START };
  const follows = { tenant, connection_id: "s", channel: "events", asked_at: START } as const;
  assert.deepEqual(
    await Promise.all([
      takeRoom(sockets, tenant, "s", 5, START),
      mayBeHeard(sockets, tenant, "s", START),
      noteSkipped(sockets, tenant, "s", "events", 5),
      takeSkipped(sockets, tenant, "s", "events"),
      subscribe(sockets, tenant, "s", "events", subscription),
      unsubscribe(sockets, tenant, "s", "events"),
      markFollowed(sockets, follows, START),
    ]),
    [0, false, false, 0, false, undefined, false],
  );
  const { Items = [] } = await sockets.dynamodb.send(new ScanCommand({ TableName: sockets.name }));
  assert.deepEqual(
    Items.filter(({ pk }) => pk!.S!.includes(tenant)),
    [],
  );
});

test("of those who leave messages out one tells how many, until somebody has", async () => {
  const { tenant, open } = world();
  await open("s");
  const note = (count: number, channel: "events" | "deliveries" = "events") =>
    noteSkipped(sockets, tenant, "s", channel, count);
  assert.deepEqual([await note(3), await note(4), await note(9, "deliveries")], [true, false, true]);
  assert.deepEqual([await takeSkipped(sockets, tenant, "s", "events"), await note(2)], [7, true]);
  assert.deepEqual(
    [await takeSkipped(sockets, tenant, "s", "events"), await takeSkipped(sockets, tenant, "s", "events")],
    [2, 0],
  );
});

test("a socket whose key can't be looked up now keeps no other from being told, and nobody says that nobody watches", async () => {
  const { open, tenant, ports, asked, sent, lost } = world();
  await open("silent");
  await (await open("damaged", key(2))).say({ subscribe: "alerts" });
  const keyStands = async (id: string) => {
    if (id === "key_2") throw new Error("the key item has no valid status");
    return true;
  };
  const news = { tenant, alerts: [{ severity: "info", state: "firing", rule_id: "rul_1" } as never] };
  await assert.rejects(publish(news, { ...ports, keyStands }), /no valid status/);
  await (await open("here")).say({ subscribe: "alerts" });
  await publish(news, { ...ports, keyStands });
  await publish(news, ports);
  assert.deepEqual(sent.map(({ id }) => id).sort(), ["damaged", "here", "here"]);
  assert.deepEqual([asked.filter(({ op }) => op === "unwatch").length, lost.size], [0, 0]);
});

test("a socket that is gone, whose key is revoked, or whose time is over is forgotten", async () => {
  const { open, tenant, ports, gone, lost, advance, sent } = world();
  for (const id of ["here", "gone", "old"]) await (await open(id)).say({ subscribe: "alerts" });
  await (await open("revoked", { ...who, key_id: "key_revoked" })).say({ subscribe: "alerts" });
  gone.add("gone");
  const alert = { severity: "info", state: "firing", rule_id: "rul_1" } as never;
  await publish({ tenant, alerts: [alert] }, ports);
  assert.deepEqual((await connectionsOf(sockets, tenant)).map(({ connection_id }) => connection_id).sort(), [
    "here",
    "old",
  ]);
  assert.deepEqual([...lost], ["revoked"]);
  assert.deepEqual(sent.map(({ id }) => id).sort(), ["here", "old"]);
  advance(7_200_001);
  await publish({ tenant, alerts: [alert] }, ports);
  assert.equal(sent.length, 2);
});

test("the socket of a person who was removed, or has another role by now, is closed", async () => {
  const { open, tenant, ports, lost, sent } = world();
  const person = { session: "hash", person_id: "psn_1", role: "operations", limit_per_second: 100 } as const;
  await (await open("here", person)).say({ subscribe: "alerts" });
  await (await open("removed", { ...person, person_id: "psn_removed" })).say({ subscribe: "alerts" });
  await (await open("other role", { ...person, role: "owner" })).say({ subscribe: "alerts" });
  await publish({ tenant, alerts: [{ severity: "info", state: "firing", rule_id: "rul_1" } as never] }, ports);
  assert.deepEqual([[...lost].sort(), sent.map(({ id }) => id)], [["other role", "removed"], ["here"]]);
});

test("a socket is heard thirty times in ten seconds, however many it says at once", async () => {
  const { open, advance } = world();
  const { say } = await open("s");
  const answers = await Promise.all(Array.from({ length: 40 }, () => say({ unsubscribe: "alerts" })));
  assert.equal(answers.filter((text) => text.includes('"unsubscribed"')).length, 30);
  assert.equal(answers.filter((text) => text.includes('"rate_limited"')).length, 10);
  advance(10_000);
  assert.equal(await say({ unsubscribe: "alerts" }), '{"unsubscribed":"alerts"}');
});

test("when a socket subscribes to a channel several times, only the last one is followed", async () => {
  const missed = Array.from({ length: 3 }, (_, n) => listedAt(n, START - 30_000 + n));
  const { tenant, open, ports, sent, advance } = world(missed);
  const { say } = await open("s");
  await say({ subscribe: "events" });
  advance(5);
  await say({ subscribe: "events" });
  await follow(request(tenant, {}), ports, START + 600_000);
  assert.equal(sent.length, 0);
  await follow(request(tenant, { asked_at: START + 5 }), ports, START + 600_000);
  assert.equal(sent.length, 3);
});

test("when the last listener is gone the service is told, once by the closing socket and once by unwanted news", async () => {
  const { open, tenant, ports, asked, socketPorts } = world();
  await (await open("a")).say({ subscribe: "alerts" });
  await (await open("b")).say({ subscribe: "alerts" });
  await closed({ tenant, connection_id: "a" }, socketPorts);
  assert.deepEqual(
    asked.map(({ op }) => op),
    ["watch", "watch"],
  );
  await closed({ tenant, connection_id: "b" }, socketPorts);
  await publish({ tenant, events: [event(1)] }, ports);
  assert.deepEqual(
    asked.map(({ op }) => op),
    ["watch", "watch", "unwatch", "unwatch"],
  );
});

const listedAt = (n: number, at: number, routed_at = at): Listed => {
  const one = event(n, at);
  return { ulid: one.event_id.slice(4), event: one, routed_at, deliveries: [] };
};
const request = (tenant: string, more: Partial<Follow>): Follow => ({
  ...{ op: "follow", tenant, connection_id: "s", channel: "events", asked_at: START },
  ...{ from: START - 60_000, routed_from: START - 60_000 },
  ...more,
});

test("a socket gets all missed events, fifty a second, and later ones until every stage knows that it watches", async () => {
  const missed = Array.from({ length: 180 }, (_, n) => listedAt(n, START - 30_000 + n));
  const later = listedAt(999, START + 2_000);
  const { tenant, open, ports, sent } = world([...missed, later]);
  await (await open("s")).say({ subscribe: "events", after: missed[0]!.event.event_id });
  await follow(request(tenant, { after: missed[0]!.ulid }), ports, START + 600_000);
  const ids = sent.map(({ message }) => message.event_id);
  assert.deepEqual(
    ids,
    [...missed.slice(1), later].map(({ event: { event_id } }) => event_id),
  );
  for (const { at } of sent) assert.ok(sent.filter((other) => other.at >= at && other.at < at + 1_000).length <= 50);
  const [socket] = await connectionsOf(sockets, tenant);
  assert.equal(socket!.subscriptions.events!.following, 0);
});

test("what came after the last event that a socket knows is sent before what may have been sent already", async () => {
  const before = Array.from({ length: 120 }, (_, n) => listedAt(n, START - 32_000 + n));
  const known = listedAt(500, START - 31_000);
  const missed = listedAt(501, START - 30_000);
  const { tenant, open, ports, sent } = world([...before, known, missed]);
  await (await open("s")).say({ subscribe: "events", after: known.event.event_id });
  await follow(request(tenant, { after: known.ulid }), ports, START + 600_000);
  assert.deepEqual(
    sent.map(({ message }) => message.event_id),
    [missed, ...before].map(({ event: { event_id } }) => event_id),
  );
});

test("who has just subscribed gets fifty of a burst as well, and the number of the rest once the second is over", async () => {
  const burst = Array.from({ length: 120 }, (_, n) => listedAt(n, START + 1_000));
  const { open, published, ports, sent } = world(burst);
  await (await open("s")).say({ subscribe: "events" });
  await follow(published[0] as Follow, ports, START + 600_000);
  const [first, ...others] = sent;
  assert.deepEqual(
    sent.map(({ message }) => message.event_id ?? message),
    [...burst.slice(0, 50).map(({ event: { event_id } }) => event_id), { channel: "events", skipped: 70 }],
  );
  assert.equal(others.at(-1)!.at, first!.at + 1_000);
});

test("what a socket missed passes its filter as well", async () => {
  const [one, two] = [listedAt(1, START - 20_000), listedAt(2, START - 10_000)];
  const { tenant, open, ports, sent } = world([one, two]);
  await (await open("s")).say({ subscribe: "events", filter: { event_type: ["type.2"] } });
  await follow(request(tenant, {}), ports, START + 600_000);
  assert.deepEqual(
    sent.map(({ message }) => message.event_id),
    [two.event.event_id],
  );
});

test("of deliveries that it missed a socket gets each attempt once, by its filter", async () => {
  const tried = (delivery_id: string, attempt: number, status: "failed" | "delivered"): LiveDelivery => ({
    ...{ delivery_id, subscription_id: "sub_1", event_ids: ["evt_1"], event_types: ["a"], attempt, status },
    ...{
      events: 1,
      status_code: 200,
      error: null,
      latency_ms: 1,
      next_attempt_at: null,
      at: new Date(START).toISOString(),
    },
  });
  const listed = (...deliveries: LiveDelivery[]): Listed => ({ ...listedAt(1, START - 20_000), deliveries });
  const { tenant, open, ports, sent } = world([
    listed(tried("dlv_1", 1, "failed")),
    listed(tried("dlv_1", 2, "delivered"), tried("dlv_1", 1, "failed")),
    listed({ ...tried("dlv_2", 1, "delivered"), subscription_id: "sub_2" }),
  ]);
  await (await open("s")).say({ subscribe: "deliveries", filter: { subscription_id: ["sub_1"] } });
  await follow(request(tenant, { channel: "deliveries" }), ports, START + 600_000);
  assert.deepEqual(
    sent.map(({ message }) => [message.channel, message.delivery_id, message.attempt, message.status]),
    [
      ["deliveries", "dlv_1", 1, "failed"],
      ["deliveries", "dlv_1", 2, "delivered"],
    ],
  );
});

test("while one reader follows, no other sends the same events", async () => {
  const { tenant, open, ports, sent } = world();
  await (await open("s")).say({ subscribe: "events" });
  await publish({ tenant, events: [event(1)] }, ports);
  assert.equal(sent.length, 0);
});

test("an event that was stored while the reader follows, and can be read only a second later, is not missed", async () => {
  const late = listedAt(1, START + 100);
  const { tenant, open, ports, sent } = world([late], 1_000);
  await (await open("s")).say({ subscribe: "events" });
  await follow(request(tenant, {}), ports, START + 600_000);
  assert.deepEqual(
    sent.map(({ message }) => message.event_id),
    [late.event.event_id],
  );
});

test("an event that was stored late, behind others that were sent, is not missed", async () => {
  const late = listedAt(1, START - 40_000, START - 1_000);
  const known = listedAt(2, START - 35_000);
  const { tenant, open, ports, sent } = world([late, known]);
  await (await open("s")).say({ subscribe: "events", after: known.event.event_id });
  await follow(
    request(tenant, { after: known.ulid, from: START - 95_000, routed_from: START - 40_000 }),
    ports,
    START + 600_000,
  );
  assert.deepEqual(
    sent.map(({ message }) => message.event_id),
    [late.event.event_id],
  );
});

/** An event that a client missed: received so long before the last one it knows, or after it, and routed so much later. */
const missedBy = fc.record({
  received: fc.integer({ min: -50_000, max: 40_000 }),
  later: fc.integer({ min: 0, max: 60_000 }),
});

test("who subscribes with the last event that it knows is sent each event that was stored since, and not that one", () =>
  fc.assert(
    fc.asyncProperty(fc.array(missedBy, { maxLength: 8 }), async (all) => {
      const known = listedAt(0, START - 60_000);
      // What was routed before the event that the client knows was sent to it before that one.
      const missed = all
        .map(({ received, later }, n) => ({
          at: START - 60_000 + received,
          routed: START - 60_000 + received + later,
          n,
        }))
        .filter(({ routed }) => routed > START - 60_000 && routed < START)
        .map(({ at, routed, n }) => listedAt(n + 1, at, routed));
      const { open, published, ports, sent } = world([known, ...missed]);
      const { say } = await open("s");
      assert.equal(await say({ subscribe: "events", after: known.event.event_id }), '{"subscribed":"events"}');
      const [asked, ...more] = published;
      assert.deepEqual([asked?.op, more], ["follow", []]);
      await follow(asked as Follow, ports, START + 600_000);
      assert.deepEqual(
        sent.map(({ message }) => message.event_id).sort(),
        missed.map(({ event }) => event.event_id).sort(),
      );
    }),
    { numRuns: 20 },
  ));

test("without an event that it knows a socket is sent what happens from then on, and figures or alerts are not read back", async () => {
  const before = listedAt(1, START - 1);
  const later = listedAt(2, START + 1_000);
  const { open, published, ports, sent } = world([before, later]);
  const { say } = await open("s");
  await say({ subscribe: "events" });
  await follow(published[0] as Follow, ports, START + 600_000);
  assert.deepEqual(
    sent.map(({ message }) => message.event_id),
    [later.event.event_id],
  );
  for (const channel of ["metrics", "alerts"]) await say({ subscribe: channel });
  assert.deepEqual(
    published.map(({ op }) => op),
    ["follow", "measure"],
  );
});

test("events for which no time is left are counted", async () => {
  const missed = Array.from({ length: 120 }, (_, n) => listedAt(n, START - 30_000 + n));
  const { tenant, open, ports, sent } = world(missed);
  await (await open("s")).say({ subscribe: "events" });
  await follow(request(tenant, {}), ports, START);
  assert.deepEqual(
    sent.map(({ message }) => message),
    [{ channel: "events", skipped: 120 }],
  );
});

test("one function at a time sends the figures of a group of tenants, and another begins where it ended or died", async () => {
  const { tenant } = world();
  const group = groupOf(tenant);
  assert.equal(await beginMeasuring(sockets, tenant, START), true);
  assert.equal(await beginMeasuring(sockets, tenant, START + 1_000), false);
  assert.equal((await goOnMeasuring(sockets, group, START + 1_500)).get(tenant), START + 1_000);
  assert.equal(await endMeasuring(sockets, group, START + 500), false);
  assert.equal(await beginMeasuring(sockets, tenant, START + 6_000), true);
  assert.equal(await endMeasuring(sockets, group, START + 6_000), true);
  assert.equal(await beginMeasuring(sockets, tenant, START + 6_001), true);
});

test("a customer to whom nothing happens is left out of its group, and stays where something happened meanwhile", async () => {
  const { tenant } = world();
  const known = async () => (await goOnMeasuring(sockets, groupOf(tenant), START)).get(tenant);
  await beginMeasuring(sockets, tenant, START + 1);
  await restMeasuring(sockets, tenant, START);
  assert.equal(await known(), START + 1);
  await restMeasuring(sockets, tenant, START + 1);
  assert.equal(await known(), undefined);
});

test("a ticket is taken once, within its time, and the table does not hold it", async () => {
  const ticket = await issueTicket(sockets, { tenant: "cus_1", who, until: START + 30_000 });
  assert.equal(await takeTicket(sockets, "no ticket", START), undefined);
  const taken = await Promise.all([takeTicket(sockets, ticket, START), takeTicket(sockets, ticket, START)]);
  assert.equal(taken.filter((each) => each !== undefined).length, 1);
  const late = await issueTicket(sockets, { tenant: "cus_1", who, until: START + 30_000 });
  assert.equal(await takeTicket(sockets, late, START + 30_000), undefined);
  const last = await issueTicket(sockets, { tenant: "cus_1", who, until: START + 30_000 });
  const { Items } = await sockets.dynamodb.send(new ScanCommand({ TableName: sockets.name }));
  assert.ok(!JSON.stringify(Items).includes(last));
  assert.notEqual(await takeTicket(sockets, last, START + 29_999), undefined);
});

test("what the table holds of sockets and tickets expires with them", async () => {
  const { open, tenant } = world();
  await open("s");
  await issueTicket(sockets, { tenant, who, until: START + 30_000 });
  const { Items } = await sockets.dynamodb.send(new ScanCommand({ TableName: sockets.name }));
  const expiries = Items!
    .filter(({ pk, ticket }) => pk!.S === `sockets#${tenant}` || ticket?.S?.includes(tenant) === true)
    .map(({ expires_at }) => Number(expires_at?.N) * 1_000 - START);
  // Not before they end, and within a minute after.
  assert.equal(expiries.length, 2);
  const [first, second] = expiries.sort((a, b) => a - b);
  assert.ok(first! >= 30_000 && first! <= 90_000, String(first));
  assert.ok(second! >= 7_200_000 && second! <= 7_260_000, String(second));
});

test.run();
