import { splitTenant, type Tenant } from "./identity/identity.ts";
import { CROCKFORD, timeOf, type Ulid } from "./ids.ts";

/**
 * Over how many partitions of the events table a customer's batches and deliveries are spread, each of which takes 1,000 writes a second.
 *
 * Invariant: where something is follows from its id alone. The id holds when it was made, and the rules say how many
 * partitions there were at that time, so no rule that has begun is ever changed (runtime/subscriptions/shardHistory.ts
 * refuses it), and a reader of all of a customer's partitions reads as many as there ever were.
 * docs/decisions/event-shards.md
 */
export interface ShardRule {
  /** RFC 3339: events accepted from then on. */
  readonly from: string;
  readonly shards: number;
  /** Whom it is for. @default all */
  readonly customers?: readonly string[] | undefined;
}

/** What holds before the first rule. */
export const FIRST_SHARDS = 8;
export const MOST_SHARDS = 128;
/** What an id is spread by, 0 to 1023: its first two random characters, the first of them for the low bits. */
const spreadBy = (ulid: Ulid): number => CROCKFORD.indexOf(ulid[10]!) + 32 * CROCKFORD.indexOf(ulid[11]!);

interface Rule {
  readonly from: number;
  readonly shards: number;
  readonly customers: ReadonlySet<string> | undefined;
}

let rules: readonly Rule[] | undefined;

/** The rules that this function was deployed with, `EVENT_SHARDS`; its environment's list makes sure that it is there. */
function inForce(): readonly Rule[] {
  rules ??= parse(process.env.EVENT_SHARDS ?? "[]");
  return rules;
}

/** Uses other rules than those of the environment. @param text JSON of `ShardRule`s by time; undefined: the environment's again */
export function useShards(text: string | undefined): void {
  rules = text === undefined ? undefined : parse(text);
}

const parse = (text: string): Rule[] =>
  (JSON.parse(text) as ShardRule[]).map(({ from, shards, customers }) => ({
    from: Date.parse(from),
    shards,
    customers: customers === undefined ? undefined : new Set(customers),
  }));

function rulesOf(tenant: Tenant): readonly Rule[] {
  const all = inForce();
  if (all.length === 0) return all;
  const { customer_id } = splitTenant(tenant);
  return all.filter(({ customers }) => customers?.has(customer_id) ?? true);
}

/** The shard of a batch and of all that belongs to it. @param ulid of the batch or of one of its events */
export function shardOf(tenant: Tenant, ulid: Ulid): number {
  const own = rulesOf(tenant);
  const made = own.length === 0 ? 0 : timeOf(ulid);
  const { shards } = own.findLast(({ from }) => from <= made) ?? { shards: FIRST_SHARDS };
  return spreadBy(ulid) % shards;
}

/** In how many shards a tenant's batches may be, whenever they came. */
export const shardsOf = (tenant: Tenant): number =>
  Math.max(FIRST_SHARDS, ...rulesOf(tenant).map(({ shards }) => shards));
