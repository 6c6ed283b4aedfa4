import assert from "node:assert/strict";
import fc from "fast-check";
import { suite } from "uvu";
import { bodyExamples } from "../../../runtime/api/bodyExamples.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { startApi, type TestApi } from "../../support/api.ts";

const test = suite("every call that takes a range");
const HOUR = 3_600_000;
/** What is asked about lies in the past, and minutes of it are kept. */
const NOW = Date.parse("2026-11-28T12:00:00.000Z");

let api: TestApi;
let live: Identity;
/** Each call with a `from` and a `to`, in its query or at the top of its body. */
const calls: { readonly method: string; readonly path: string; readonly inBody: boolean }[] = [];

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}
interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

test.before(async () => {
  api = await startApi({ now: () => NOW });
  ({ live } = await api.customer());
  const { paths, components } = (await (await api.app.request("/openapi.json")).json()) as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Schema> };
  };
  const membersOf = ({ $ref, properties = {} }: Schema): string[] =>
    Object.keys($ref === undefined ? properties : (components.schemas[$ref.split("/").at(-1)!]?.properties ?? {}));
  const isRange = (names: readonly string[]) => names.includes("from") && names.includes("to");
  for (const [path, operations] of Object.entries(paths))
    for (const [method, { parameters = [], requestBody }] of Object.entries(operations)) {
      const inQuery = parameters.filter((each) => each.in === "query").map(({ name }) => name);
      const inBody = Object.values(requestBody?.content ?? {}).some(({ schema }) => isRange(membersOf(schema)));
      if (inBody || isRange(inQuery)) calls.push({ method: method.toUpperCase(), path, inBody });
    }
});
test.after(() => api.close());

/** Answers of a call about a range; its other members are those of its example. */
function ask({ method, path, inBody }: (typeof calls)[number], range: Readonly<Record<"from" | "to", string>>) {
  if (inBody) {
    const { last: _, ...example } = (bodyExamples[`${method} ${path}`] ?? {}) as { last?: string };
    return api.call(live, method, path, { ...example, ...range });
  }
  const measures = path === "/metrics" ? { measures: "events" } : {};
  return api.call(live, method, `${path}?${new URLSearchParams({ ...measures, ...range })}`);
}

const at = fc.integer({ min: -48 * HOUR, max: -1 }).map((ms) => NOW + ms);
/** One time as offsets from UTC say it. */
const written = (ms: number) =>
  fc.integer({ min: -14 * 60, max: 14 * 60 }).map((minutes) => {
    const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    const two = (n: number) => String(n).padStart(2, "0");
    const local = new Date(ms + minutes * 60_000).toISOString().slice(0, -1);
    return `${local}${minutes < 0 ? "-" : "+"}${two(hours)}:${two(rest)}`;
  });
/** `to` lies that many milliseconds after `from`. */
const rangeOf = (lengths: fc.Arbitrary<number>) =>
  fc.tuple(at, lengths).chain(([from, length]) => fc.record({ from: written(from), to: written(from + length) }));

test("there are such calls among lists, numbers, replays and rehearsals", () => {
  assert.deepEqual(calls.map(({ method, path }) => `${method} ${path}`).sort(), [
    "GET /alerts",
    "GET /dead-letters",
    "GET /deliveries",
    "GET /inbox",
    "GET /metrics",
    "GET /usage",
    "POST /dead-letters/replay",
    "POST /metrics/query",
    "POST /replays",
    "POST /subscriptions/rehearse",
  ]);
});

test("a range that does not end after it begins is refused by all in the same words, whatever the offsets", async () => {
  for (const call of calls)
    await fc.assert(
      fc.asyncProperty(rangeOf(fc.oneof(fc.constant(0), fc.integer({ min: -100 * HOUR, max: -1 }))), async (range) => {
        const { status, body } = await ask(call, range);
        assert.deepEqual(
          [status, body.error?.code, body.error?.message, body.error?.details],
          [400, "invalid_request", "The range is empty.", [{ path: "/to", message: "must be after `from`" }]],
          `${call.method} ${call.path} ${JSON.stringify(range)}`,
        );
      }),
      { numRuns: 20, includeErrorInReport: true },
    );
});

test("a range of a millisecond or more is answered", async () => {
  for (const call of calls)
    await fc.assert(
      fc.asyncProperty(rangeOf(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: HOUR }))), async (range) => {
        const { status, body } = await ask(call, range);
        assert.ok(status < 300, `${call.method} ${call.path} ${JSON.stringify([range, status, body])}`);
        // Only some replays may be under way.
        if (status === 202) await api.call(live, "POST", `/replays/${body.replay_id}/cancel`);
      }),
      { numRuns: 10, includeErrorInReport: true },
    );
});

test.run();
