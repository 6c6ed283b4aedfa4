import assert from "node:assert/strict";
import { PutItemCommand } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { suite } from "uvu";
import { MAX_FIGURE_FILTERS } from "../../../runtime/domain/live.ts";
import { measures } from "../../../runtime/domain/metrics/names.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { usageWriter } from "../../../runtime/domain/usage/usage.ts";
import { type MeasurePorts, measure } from "../../../runtime/live/measure.ts";
import { putConnection, subscribe } from "../../../runtime/sockets/connections.ts";
import { metricsTable } from "../../support/metricsTable.ts";
import { openStorage, type Storage } from "../../support/storage.ts";

/** Figures of those who watch, over a real table of sockets and a clock that only moves when told. */

const test = suite("figures that are sent as they change");
const START = Date.parse("2026-11-27T12:00:30Z");

let storage: Storage;
let tenants = 0;
test.before(async () => {
  storage = await openStorage();
});
test.after(() => storage.close());

interface Told {
  readonly id: string;
  readonly at: number;
  readonly message: Record<string, unknown>;
}

/**
 * What the sockets of a customer are sent while these facts are counted.
 * @param facts milliseconds after the start, and of which type @param filters one of each socket @param limits events a second of each socket
 * @param post may throw, as the service does that posts
 */
async function watched(
  facts: readonly (readonly [after: number, type: string])[],
  filters: readonly object[],
  limits: readonly number[] = [],
  post: (id: string) => void = () => {},
) {
  tenants += 1;
  const tenant = `cus_figures${tenants}`;
  const sockets = storage.store.events;
  const table = metricsTable();
  let clock = START;
  const writer = usageWriter(
    "metrics",
    (input) => table.counters.dynamodb.send(new PutItemCommand(input)),
    "w",
    () => clock,
  );
  const waiting = [...facts].sort(([a], [b]) => a - b);
  const happen = async () => {
    while (waiting[0] !== undefined && START + waiting[0][0] <= clock) {
      const [after, type] = waiting.shift()!;
      const fact: UsageFact = {
        ...{ kind: "accepted", tenant, at: START + after, routed_at: clock, key_id: "key_1", matched: {} },
        events: [{ type, bytes: 10 }],
      };
      writer.add([fact]);
      await writer.flush();
    }
  };
  const told: Told[] = [];
  for (const [n, filter] of filters.entries()) {
    const who = { key_id: "key_1", limit_per_second: limits[n] ?? 100 };
    await putConnection(sockets, { tenant, connection_id: `s${n}`, who, ends_at: START + 7_200_000 });
    await subscribe(sockets, tenant, `s${n}`, "metrics", { filter: filter as never, following: 0, asked_at: START });
  }
  const ports: MeasurePorts = {
    ...{ log: () => {}, sockets, service: (async () => ({ answer: {}, bytes: 0 })) as never },
    posting: {
      async post(id, message) {
        post(id);
        told.push({ id, at: clock, message: message as Record<string, unknown> });
        return true;
      },
      close: async () => {},
    },
    now: () => clock,
    async sleep(ms) {
      clock += ms;
      await happen();
    },
    ...{ keyStands: async () => true, personStands: async () => true },
    reader: { ...table, now: () => clock, workflows: async () => new Map(), cube: { read: async () => {} } },
  };
  await happen();
  await measure(tenant, ports, START + 600_000);
  return told;
}

const facts = fc.array(fc.tuple(fc.integer({ min: 0, max: 5_000 }), fc.constantFrom("a", "b")), { maxLength: 30 });

test("a socket gets figures once a second at most, only what changed, and the last of them at the end", () =>
  fc.assert(
    fc.asyncProperty(facts, async (all) => {
      const told = await watched(all, [{}, { event_type: ["a"] }]);
      for (const [id, counts] of [
        ["s0", () => true],
        ["s1", (type: string) => type === "a"],
      ] as const) {
        const own = told.filter((each) => each.id === id);
        for (const [n, { at, message }] of own.entries()) {
          assert.equal(message.channel, "metrics");
          assert.equal(message.at, new Date(at).toISOString());
          const before = own[n - 1];
          if (before === undefined) continue;
          assert.ok(at - before.at >= 1_000, `${at - before.at} ms after the one before`);
          const figures = ({ at: _, complete_until: __, ...rest }: Record<string, unknown>) => rest;
          assert.notDeepEqual(figures(message), figures(before.message));
        }
        assert.equal(own.at(-1)!.message.events, all.filter(([, type]) => counts(type)).length);
      }
    }),
    { numRuns: 15 },
  ));

test("figures are every measure of the running minute and of the one before, as a query of the metrics tells them", async () => {
  const [first] = await watched([[0, "a"]], [{}]);
  const { at, complete_until, previous, ...running } = first!.message;
  assert.deepEqual([typeof at, typeof complete_until], ["string", "string"]);
  assert.deepEqual(
    [running.channel, running.start, running.requests, running.events, running.bytes, running.unmatched],
    ["metrics", "2026-11-27T12:00:00.000Z", 1, 1, 10, 1],
  );
  const { start, ...before } = previous as Record<string, unknown>;
  assert.equal(start, "2026-11-27T11:59:00.000Z");
  for (const figures of [running, before])
    assert.deepEqual(
      measures.filter((name) => !(name in figures)),
      [],
    );
});

test("the use of the limit is that of the limit that each socket's key has", async () => {
  const told = await watched([[0, "a"]], [{}, {}], [100, 50]);
  assert.deepEqual(
    ["s0", "s1"].map((id) => told.find((each) => each.id === id)!.message.limit_use),
    [0.01, 0.02],
  );
});

test("sockets that asked for other filters at one moment are told those of as many as there may be", async () => {
  const filters = Array.from({ length: MAX_FIGURE_FILTERS + 2 }, (_, n) => ({ event_type: [`type ${n}`] }));
  const told = await watched([[0, "a"]], filters);
  assert.equal(new Set(told.map(({ id }) => id)).size, MAX_FIGURE_FILTERS);
});

test("a socket that can't be posted to keeps no other from its figures, and gets its own with the next round", async () => {
  let failures = 2;
  const told = await watched([[0, "a"]], [{}, {}], [], (id) => {
    if (id === "s0" && failures-- > 0) throw new Error("throttled");
  });
  assert.deepEqual(
    ["s0", "s1"].map((id) => told.find((each) => each.id === id)?.at),
    [START + 2_000, START],
  );
});

test.run();
