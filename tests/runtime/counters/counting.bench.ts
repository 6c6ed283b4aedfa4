/**
 * What counting costs: CPU time an event to add what happens to it to usage and metrics, and to pack and put what is counted once a second
 * and a half of 10,000 events/s; and how large the items are. The table takes no time.
 */
import type { PutItemCommandInput } from "@aws-sdk/client-dynamodb";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";
import { usageWriter } from "../../../runtime/domain/usage/usage.ts";

const SECONDS = Number(process.env.SECONDS ?? 60);
const PER_SECOND = 10_000;
/** A busy environment writes about so often. */
const FLUSH_EVERY_MS = 1_500;
const START = Date.UTC(2026, 10, 27, 12);
const types = Array.from({ length: 20 }, (_, i) => `shop.order.type${i}`);
const ids = Array.from({ length: 10 }, (_, i) => `sub_01ARZ3NDEKTSV4RRFFQ69G5FA${i}`);

/** What happens to a request: it is accepted, matches one subscription, and is delivered. */
function factsOf(at: number, n: number, size: number): UsageFact[] {
  const key_id = `key_01ARZ3NDEKTSV4RRFFQ69G5FA${n % 3}`;
  const type = types[n % types.length]!;
  const events = Array.from({ length: size }, () => ({ type, bytes: 900 }));
  const subscription_id = ids[n % ids.length]!;
  const own = events.map(() => type);
  const common = { tenant: "cus_bench", subscription_id } as const;
  const matched = { [subscription_id]: events.map((_, i) => i) };
  const { tenant } = common;
  return [
    { kind: "accepted", tenant, at, routed_at: at, key_id, events, matched, accept_ms: 5 + ((n * 13) % 90) },
    {
      ...{ kind: "attempted", ...common, at, outcome: "delivered", error: null, latency_ms: 20 + ((n * 37) % 400) },
      parts: [{ types: own, key_id, first_success_ms: 60 + ((n * 41) % 900) }],
    },
    { kind: "moved", ...common, at, key_id, types: own, from: "pending", to: "delivered" },
  ];
}

const cpu = () => process.cpuUsage().user + process.cpuUsage().system;
const sizeOf = (item: PutItemCommandInput["Item"]): number =>
  Object.entries(item ?? {}).reduce(
    (sum, [name, { S = "", N = "", B }]) => sum + name.length + S.length + N.length + (B?.length ?? 0),
    0,
  );

for (const size of [100, 10, 1]) {
  let now = START;
  let puts = 0;
  let bytes = 0;
  const put = async ({ Item }: PutItemCommandInput) => {
    puts += 1;
    bytes += sizeOf(Item);
  };
  const writer = usageWriter("metrics", put, "bench", () => now);
  const facts = Array.from({ length: SECONDS * 10 }, (_, tenth) =>
    Array.from({ length: PER_SECOND / 10 / size }, (_, n) =>
      factsOf(START + tenth * 100, tenth * 1_000 + n, size),
    ).flat(),
  );
  const events = SECONDS * PER_SECOND;
  let [adding, writing, flushed] = [0, 0, START];
  const began = performance.now();
  for (const [tenth, some] of facts.entries()) {
    now = START + tenth * 100;
    const before = cpu();
    writer.add(some);
    adding += cpu() - before;
    if (now - flushed < FLUSH_EVERY_MS && tenth < facts.length - 1) continue;
    flushed = now;
    const unwritten = cpu();
    await writer.flush();
    writing += cpu() - unwritten;
  }
  const wall = performance.now() - began;
  console.log(
    `${String(size).padStart(3)} events a request: adding ${(adding / events).toFixed(2)} us CPU an event, writing ${(writing / events).toFixed(2)} us CPU an event; ${puts} puts of ${(bytes / puts / 1_024).toFixed(1)} KB on average; ${wall.toFixed(0)} ms wall for ${SECONDS} s of ${PER_SECOND.toLocaleString("en")} events/s`,
  );
}
