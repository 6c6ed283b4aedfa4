import { DAY_SECONDS } from "../../runtime/domain/time.ts";

/** What load with an `Idempotency-Key` on every request a cache holds: each entry stays for a day. */

/** Memory of a node, GiB. Source: ElastiCache User Guide, node type parameters (`maxmemory`). */
const nodes: Readonly<Record<string, number>> = {
  "cache.t4g.small": 1.37,
  "cache.r7g.large": 13.07,
  "cache.r7g.xlarge": 26.32,
  "cache.r7g.2xlarge": 52.82,
  "cache.r7g.4xlarge": 105.81,
  "cache.r7g.8xlarge": 209.55,
  "cache.r7g.16xlarge": 419.09,
};
/** Share of it that ElastiCache keeps for failover and backups (`reserved-memory-percent`). */
const RESERVED = 0.25;
/** Share of the rest that entries may fill: runtime/redis/room.ts. */
const ENTRIES = 0.9;
/** Of an entry, key and overhead included: 100,000 of them in Redis 7. */
const ENTRY_BYTES = 310;

/** Requests a second that a node keeps the keys of, for ever. */
export const keyedPerSecond = (gib: number): number =>
  Math.floor((gib * 2 ** 30 * (1 - RESERVED) * ENTRIES) / ENTRY_BYTES / DAY_SECONDS);

export function keyedSection(): string {
  const rows = Object.entries(nodes).map(([name, gib]) => {
    const requests = keyedPerSecond(gib);
    const events = (perRequest: number) => (requests * perRequest).toLocaleString("en");
    return `| ${name} | ${requests.toLocaleString("en")} | ${events(20)} | ${events(100)} |`;
  });
  return `## Requests with an Idempotency-Key

Each leaves an entry of ${ENTRY_BYTES} bytes for a day, however many events it has. A node (\`triggers:cacheNodeType\`) holds the keys of so many requests a second for ever; one tenth of it is
kept for the limits, so that a cache that is full of keys refuses keyed requests (503) and nothing else.

| node | keyed requests/s = events/s singly | events/s, 20 a request | events/s, 100 a request |
|---|---:|---:|---:|
${rows.join("\n")}

More than that on one node needs DynamoDB in its place, or cluster mode; docs/decisions/idempotency.md says what each would take.
`;
}
