import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { suite } from "uvu";
import { agreement, agreementText, differs, type Known } from "../../loadtest/agreement.ts";

const test = suite("whether a platform's numbers agree with the ledger of a run");

/** What a platform tells of one customer. */
interface Told {
  readonly requests: number;
  readonly events: number;
  readonly unmatched: number;
  readonly refused: number;
  readonly delivered: number;
  readonly status: Readonly<Record<string, number>>;
  readonly usage: { readonly requests: number; readonly events: number; readonly delivered: number };
}

/** A platform that tells these numbers, by key. @param asked counts the questions about requests */
async function telling<T>(customers: () => readonly Told[], work: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(async (request, response) => {
    const told = customers()[Number(request.headers.authorization!.split(" ")[1])]!;
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = request.url!.startsWith("/usage")
      ? { totals: told.usage }
      : Buffer.concat(chunks).includes('"group_by":["status"]')
        ? { series: Object.entries(told.status).map(([status, events]) => ({ key: { status }, totals: { events } })) }
        : { totals: told, series: [] };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

const n = fc.nat(1_000);
const ledgers = fc.record({ delivered: n, pending: n, dead_lettered: n, requests: n, refused: n });
type Ledgers = typeof ledgers extends fc.Arbitrary<infer T> ? T : never;

const knownOf = ({ requests, refused, ...ledger }: Ledgers): Known => ({
  ...{ requests, refused },
  ledger: { ...ledger, accepted: ledger.delivered + ledger.pending + ledger.dead_lettered, duplicates: 0 },
});
/** The numbers of a ledger as two customers have them. @param share of the first, in percent; what waits has failed or not */
function toldOf({ requests, refused, delivered, pending, dead_lettered }: Ledgers, share: number): [Told, Told] {
  const first = (all: number) => Math.floor((all * share) / 100);
  const of = (part: (all: number) => number): Told => {
    const status = { delivered: part(delivered), dead_lettered: part(dead_lettered), failed: part(pending) };
    const events = status.delivered + status.dead_lettered + status.failed;
    const usage = { requests: part(requests), events, delivered: status.delivered };
    return { ...usage, unmatched: 0, refused: part(refused), status, usage };
  };
  return [of(first), of((all) => all - first(all))];
}
const compared = (known: Known, customers: () => readonly Told[]) =>
  telling(customers, (url) => agreement(url, ["0", "1"], new Date(0), async () => known, 0));

/** Each figure of a customer, one more than it is, and by which name a report tells of it. */
const wrong: [figure: string, more: (told: Told) => Told][] = [
  ["requests", (told) => ({ ...told, requests: told.requests + 1 })],
  ["events", (told) => ({ ...told, events: told.events + 1 })],
  ["unmatched", (told) => ({ ...told, unmatched: 1 })],
  ["refused", (told) => ({ ...told, refused: told.refused + 1 })],
  ["delivered", (told) => ({ ...told, delivered: told.delivered + 1 })],
  ["usage delivered", (told) => ({ ...told, usage: { ...told.usage, delivered: told.usage.delivered + 1 } })],
  ["usage requests", (told) => ({ ...told, usage: { ...told.usage, requests: told.usage.requests + 1 } })],
  ["usage events", (told) => ({ ...told, usage: { ...told.usage, events: told.usage.events + 1 } })],
  ...(["delivered", "dead_lettered", "failed", "pending"] as const).map((name): (typeof wrong)[number] => [
    `status ${name === "failed" || name === "pending" ? "waiting" : name}`,
    (told) => ({ ...told, status: { ...told.status, [name]: (told.status[name] ?? 0) + 1 } }),
  ]),
];

test("numbers that are those of the ledger agree, and the text says each of them", () =>
  fc.assert(
    fc.asyncProperty(ledgers, fc.nat(100), async (ledger, share) => {
      const figures = await compared(knownOf(ledger), () => toldOf(ledger, share));
      assert.deepEqual(figures.filter(differs), []);
      assert.match(
        agreementText(figures),
        new RegExp(`^  numbers agree with the ledger: requests ${figures[0]!.platform.toLocaleString("en")}, `),
      );
    }),
    { numRuns: 20 },
  ));

for (const [figure, more] of wrong)
  test(`one too many of ${figure}, or one too few in the ledger, is told`, () =>
    fc.assert(
      fc.asyncProperty(ledgers, fc.nat(100), fc.boolean(), async (ledger, share, first) => {
        const [a, b] = toldOf(ledger, share);
        const figures = await compared(knownOf(ledger), () => (first ? [more(a), b] : [a, more(b)]));
        const found = figures.filter(differs);
        assert.deepEqual(
          found.map((one) => [one.figure, one.platform - one.ledger]),
          [[figure, 1]],
        );
        assert.match(agreementText(figures), new RegExp(`^  numbers DIFFER: ${figure} is \\d+, by the ledger \\d+$`));
      }),
      { numRuns: 5 },
    ));

test("an event that came twice may count as delivered twice, and no further", async () => {
  const ledger = { delivered: 20, pending: 0, dead_lettered: 0, requests: 20, refused: 0 };
  const known = knownOf(ledger);
  const twice: Known = { ...known, ledger: { ...known.ledger, duplicates: 2 } };
  for (const [more, wrong] of [
    [-1, ["delivered"]],
    [0, []],
    [2, []],
    [3, ["delivered"]],
  ] as const) {
    const [a, b] = toldOf(ledger, 50);
    const figures = await compared(twice, () => [{ ...a, delivered: a.delivered + more }, b]);
    assert.deepEqual(
      figures.filter(differs).map(({ figure }) => figure),
      wrong,
      `${more} more`,
    );
  }
});

test("numbers that come late are waited for while they still change", async () => {
  const ledger = { delivered: 20, pending: 0, dead_lettered: 0, requests: 20, refused: 0 };
  let asked = 0;
  const figures = await compared(knownOf(ledger), () => {
    asked += 1;
    const counted = Math.min(20, Math.floor(asked / 6));
    return toldOf({ ...ledger, requests: counted, delivered: counted }, 50);
  });
  assert.deepEqual(figures.filter(differs), []);
});

test.run();
