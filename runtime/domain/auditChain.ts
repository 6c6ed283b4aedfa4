import { createHash } from "node:crypto";
import { canonicalJson } from "./canonicalJson.ts";

/**
 * The audit log's chain. Every entry's hash covers what it says, its number and the hash before it, so a customer that holds one
 * later hash can prove that nothing before it was changed, removed, added or moved. The rule is public:
 *   hash = SHA-256 of the JSON array [customer_id, seq, at, actor, action, object, source_ip, outcome, details, prev_hash]
 * with the members of objects sorted by name, in lower-case hex; the first entry follows 64 zeros.
 */
export const GENESIS = "0".repeat(64);

export type Actor =
  | { readonly type: "key"; readonly key_id: string; readonly name?: string }
  | { readonly type: "operator"; readonly key_id: string; readonly name?: string }
  | { readonly type: "person"; readonly person_id: string; readonly name: string; readonly role: string }
  | { readonly type: "platform"; readonly name: string };

/** The contents of an entry: who did what to which object, from where, and how it ended. */
export interface AuditFact {
  readonly actor: Actor;
  /** `subscription.create`, `key.revoke`, … */
  readonly action: string;
  /** Id of the object concerned. */
  readonly object: string | null;
  readonly source_ip: string | null;
  /** `ok`, or the code of the error that was answered. */
  readonly outcome: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditEntry extends AuditFact {
  /** From 1, without gaps, by customer. */
  readonly seq: number;
  readonly at: string;
  readonly prev_hash: string;
  readonly hash: string;
}

export function hashOf(customerId: string, entry: Omit<AuditEntry, "hash">): string {
  const { seq, at, actor, action, object, source_ip, outcome, details, prev_hash } = entry;
  const said = [customerId, seq, at, actor, action, object, source_ip, outcome, details, prev_hash];
  return createHash("sha256").update(canonicalJson(said)).digest("hex");
}

/** The first thing wrong in a chain. */
export interface Tampering {
  /** Number of the entry at which the chain breaks. */
  readonly seq: number;
  readonly finding: "changed" | "missing" | "out_of_order";
  readonly message: string;
}

/**
 * Checks entries from the first to the newest, in the order they were read, and against the head, which the log keeps
 * apart. @returns undefined when the chain is whole
 */
export function findTampering(
  customerId: string,
  entries: readonly AuditEntry[],
  head: { readonly seq: number; readonly hash: string },
): Tampering | undefined {
  const numbers = new Set(entries.map(({ seq }) => seq));
  let previous = GENESIS;
  let expected = 1;
  for (const entry of entries) {
    if (entry.seq !== expected) {
      return numbers.has(expected)
        ? { seq: expected, finding: "out_of_order", message: `entry ${entry.seq} stands where ${expected} belongs` }
        : { seq: expected, finding: "missing", message: `entry ${expected} is missing` };
    }
    if (entry.prev_hash !== previous) {
      return {
        seq: entry.seq,
        finding: "out_of_order",
        message: `entry ${entry.seq} does not follow ${entry.seq - 1}`,
      };
    }
    if (hashOf(customerId, entry) !== entry.hash) {
      return { seq: entry.seq, finding: "changed", message: `entry ${entry.seq} is not what was written` };
    }
    previous = entry.hash;
    expected += 1;
  }
  if (head.seq >= expected) {
    return { seq: expected, finding: "missing", message: `entry ${expected} is missing; the log has ${head.seq}` };
  }
  if (head.hash !== previous) {
    return { seq: head.seq, finding: "changed", message: `entry ${expected - 1} is not the newest the log remembers` };
  }
  return undefined;
}
