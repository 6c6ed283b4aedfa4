import { createHash } from "node:crypto";
import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import ipaddr from "ipaddr.js";
import { canonicalJson } from "../canonicalJson.ts";
import { defined } from "../defined.ts";
import type { Environment, Tenant } from "../identity/identity.ts";
import { HOUR_MS, type Millis } from "../time.ts";
import { add, type Tally } from "./counters.ts";
import type { CallFact } from "./fact.ts";

/**
 * Who called what: the audit of ingestion and reads, by key and minute. The counts stand among the usage counters of the
 * minute, so that ingestion pays no call of its own for them: `a#<key>#<call>#<outcome>#<r|e|b>` and `i#<key>#<address>#r`.
 * Once an hour is over, its counts become records, which are chained and archived (runtime/retain/hourly/access.ts).
 */

/** Milliseconds after the end of an hour at which its records are made. A call that is counted later belongs to the minute of counting. */
export const SETTLED_MS = HOUR_MS;
/** Milliseconds after the end of an hour at which a count may come too late for the records of the hour. */
export const LATE_MS = SETTLED_MS / 2;

/** Whether a counter is about access, not usage. */
export const isAccessCounter = (name: string): boolean => name.startsWith("a#") || name.startsWith("i#");

interface AcceptedRequest {
  readonly tenant: Tenant;
  readonly at: Millis;
  readonly routed_at: Millis;
  readonly key_id: string;
  readonly source_ip?: string;
  readonly events: readonly { readonly bytes: number }[];
}

/** The time that an accepted request's access counts for: its own, unless it waited so long that its records may be made. */
export const accessMinute = ({ at, routed_at }: AcceptedRequest): number => (routed_at - at > LATE_MS ? routed_at : at);

export const callOf = ({ tenant, at, key_id, source_ip, events }: AcceptedRequest): CallFact => ({
  kind: "called",
  tenant,
  at,
  key_id,
  ...defined({ source_ip }),
  call: "POST /events",
  outcome: "ok",
  requests: 1,
  events: events.length,
  bytes: events.reduce((sum, event) => sum + event.bytes, 0),
});

/** The network a caller belongs to: IPv6 hosts change their last 64 bits as they please. */
const networkOf = (address: string): string => {
  if (!ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return `${new ipaddr.IPv6([...(parsed as ipaddr.IPv6).parts.slice(0, 4), 0, 0, 0, 0]).toString()}/64`;
};

/** Adds a call's counts to its minute. */
export function tallyCall(tally: Tally, { key_id, call, outcome, requests, events, bytes, source_ip }: CallFact): void {
  const prefix = `a#${key_id}#${call}#${outcome}#`;
  add(tally, `${prefix}r`, requests);
  add(tally, `${prefix}e`, events);
  add(tally, `${prefix}b`, bytes);
  if (source_ip !== undefined) add(tally, `i#${key_id}#${networkOf(source_ip)}#r`, requests);
}

/** What one key did within one minute. */
export interface Access {
  /** Its beginning, RFC 3339. */
  readonly minute: string;
  readonly environment: Environment;
  readonly key_id: string;
  readonly calls: readonly {
    readonly call: string;
    readonly outcome: string;
    readonly requests: number;
    readonly events: number;
    readonly bytes: number;
  }[];
  readonly source_ips: readonly { readonly address: string; readonly requests: number }[];
  /** Payloads that a person saw in the console; none for a key. */
  readonly views?: readonly View[];
}

/** One look of a person at one event's payload. */
export interface View {
  readonly event_id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly name: string;
  readonly role: string;
  /** `payload`: masked as the role demands. `reveal`: without its mask. */
  readonly how: string;
  readonly reason: string | null;
}

/** A look with who looked and on which side. */
export interface SeenBy extends View {
  readonly person_id: string;
  readonly environment: Environment;
}

/** Records with the looks of their person and minute; who did nothing else gets one of their own. */
export function withViews(accesses: readonly Access[], seen: readonly SeenBy[]): Access[] {
  const nameOf = (minute: string, environment: string, id: string): string => `${minute} ${environment} ${id}`;
  const all = new Map(accesses.map((each) => [nameOf(each.minute, each.environment, each.key_id), each]));
  for (const { person_id, environment, ...view } of seen) {
    const minute = `${view.at.slice(0, 16)}:00.000Z`;
    const name = nameOf(minute, environment, person_id);
    const known = all.get(name) ?? { minute, environment, key_id: person_id, calls: [], source_ips: [] };
    all.set(name, { ...known, views: [...(known.views ?? []), view] });
  }
  return [...all.values()];
}

type Counted = Record<"requests" | "events" | "bytes", number>;

/** @param items the pages of one minute @returns by key id, ascending; calls and addresses ascending too */
export function accessOf(
  items: readonly Readonly<Record<string, AttributeValue>>[],
  minute: string,
  environment: Environment,
): Access[] {
  const calls = new Map<string, Map<string, Counted>>();
  const addresses = new Map<string, Map<string, number>>();
  const within = <V>(map: Map<string, Map<string, V>>, key: string): Map<string, V> => {
    const inner = map.get(key) ?? new Map<string, V>();
    map.set(key, inner);
    return inner;
  };
  for (const item of items) {
    for (const [name, { N }] of Object.entries(item)) {
      const [group, key = "", ...rest] = name.split("#");
      const letter = rest.pop();
      const what = rest.join("#");
      if (group === "i") within(addresses, key).set(what, (addresses.get(key)?.get(what) ?? 0) + Number(N));
      if (group !== "a") continue;
      const counted = within(calls, key).get(what) ?? { requests: 0, events: 0, bytes: 0 };
      within(calls, key).set(what, counted);
      counted[letter === "r" ? "requests" : letter === "e" ? "events" : "bytes"] += Number(N);
    }
  }
  const sorted = <V>(map: ReadonlyMap<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted(calls).map(([key_id, own]) => ({
    minute,
    environment,
    key_id,
    calls: sorted(own).map(([what, counted]) => {
      const cut = what.lastIndexOf("#");
      return { call: what.slice(0, cut), outcome: what.slice(cut + 1), ...counted };
    }),
    source_ips: sorted(addresses.get(key_id) ?? new Map<string, number>()).map(([address, requests]) => ({
      address,
      requests,
    })),
  }));
}

/**
 * An access record in its hour's chain. The rule is public, as the audit log's:
 *   hash = SHA-256 of the JSON array [customer_id, hour, seq, minute, environment, key_id, calls, source_ips, prev_hash],
 * with `views` before `prev_hash` where the record has them, the members of objects sorted by name, in lower-case hex. The hour's first record follows the entry that was the
 * newest of the customer's audit log when the records were made; the log's entry `access.archived` then names the last.
 */
export interface AccessRecord extends Access {
  /** From 1, without gaps, by customer and hour. */
  readonly seq: number;
  readonly prev_hash: string;
  readonly hash: string;
}

function accessHash(customerId: string, hour: string, record: Omit<AccessRecord, "hash">): string {
  const { seq, minute, environment, key_id, calls, source_ips, views, prev_hash } = record;
  const seen = views === undefined ? [] : [views];
  const said = [customerId, hour, seq, minute, environment, key_id, calls, source_ips, ...seen, prev_hash];
  return createHash("sha256").update(canonicalJson(said)).digest("hex");
}

/** @param after hash that the first record follows */
export function chainAccess(
  customerId: string,
  hour: string,
  accesses: readonly Access[],
  after: string,
): AccessRecord[] {
  let prev_hash = after;
  return accesses.map((access, i) => {
    const unsigned = { seq: i + 1, ...access, prev_hash };
    const hash = accessHash(customerId, hour, unsigned);
    prev_hash = hash;
    return { ...unsigned, hash };
  });
}

/** Where an hour's records lie in the audit bucket. */
export const accessKey = (customerId: string, hour: string): string =>
  `access/${customerId}/${hour.slice(0, 13).replaceAll(/[-T]/g, "/")}.jsonl.gz`;

/** What the audit log's entry `access.archived` says of an hour. */
export interface ArchivedAccess {
  /** RFC 3339, on the hour. */
  readonly hour: string;
  readonly records: number;
  /** Of the last record. */
  readonly hash: string;
  /** The log's newest entry when the records were made: its hash is what the first record follows. */
  readonly follows: { readonly seq: number; readonly hash: string };
}

/** The first thing wrong with an hour's records, in the order they were read; undefined when they are as archived. */
export function findAccessTampering(
  customerId: string,
  said: ArchivedAccess,
  records: readonly AccessRecord[],
): { readonly seq: number; readonly finding: "changed" | "missing" | "out_of_order" } | undefined {
  const numbers = new Set(records.map(({ seq }) => seq));
  let previous = said.follows.hash;
  for (const [i, record] of records.entries()) {
    const expected = i + 1;
    if (record.seq !== expected) {
      return { seq: expected, finding: numbers.has(expected) ? "out_of_order" : "missing" };
    }
    if (record.prev_hash !== previous) return { seq: expected, finding: "out_of_order" };
    if (accessHash(customerId, said.hour, record) !== record.hash) return { seq: expected, finding: "changed" };
    previous = record.hash;
  }
  if (records.length < said.records) return { seq: records.length + 1, finding: "missing" };
  return previous === said.hash ? undefined : { seq: records.length, finding: "changed" };
}
