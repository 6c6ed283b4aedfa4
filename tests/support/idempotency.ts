import type { Claim, ClaimRequest, IdempotencyStore } from "../../runtime/redis/idempotency.ts";

/** Entries that are kept at most. */
const MOST = 1_000;

interface Entry {
  readonly bodyHash: string;
  readonly first: string;
  leaseEnds: number;
  answer?: string;
}

/** The store of idempotency keys without Redis: one claim at a time in one process. */
export function memoryIdempotency(): Pick<IdempotencyStore, "claim" | "done" | "release"> & {
  readonly entries: Map<string, Entry>;
} {
  const entries = new Map<string, Entry>();
  const nameOf = ({ tenant, keyHash }: ClaimRequest) => `${tenant} ${keyHash}`;
  return {
    entries,
    async claim(request): Promise<Claim> {
      const { bodyHash, first, now, leaseMs = 15_000 } = request;
      const entry = entries.get(nameOf(request));
      const held = entry !== undefined && (entry.answer !== undefined || entry.leaseEnds > now);
      if (held && entry.bodyHash !== bodyHash) return { kind: "conflict" };
      if (entry?.answer !== undefined) return { kind: "replay", first: entry.first, answer: entry.answer };
      if (held) return { kind: "in_flight" };
      if (entry?.bodyHash === bodyHash) {
        entry.leaseEnds = now + leaseMs;
        return { kind: "claimed", first: entry.first, fresh: false };
      }
      if (entries.size >= MOST) entries.delete(entries.keys().next().value!);
      entries.set(nameOf(request), { bodyHash, first, leaseEnds: now + leaseMs });
      return { kind: "claimed", first, fresh: true };
    },
    async done(request, _first, answer) {
      const entry = entries.get(nameOf(request));
      if (entry !== undefined) entry.answer = answer;
    },
    async release(request, how) {
      const entry = entries.get(nameOf(request));
      if (how === "drop") entries.delete(nameOf(request));
      else if (entry !== undefined) entry.leaseEnds = 0;
    },
  };
}
