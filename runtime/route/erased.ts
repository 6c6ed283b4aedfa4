import { type Body, placeBody } from "../domain/codec/index.ts";
import { pack } from "../domain/codec/pack.ts";
import type { Tenant } from "../domain/identity/identity.ts";
import type { Ulid } from "../domain/ids.ts";
import { type Erasure, isSubjectValue, subjectHash, subjectType } from "../domain/job.ts";
import { parseJson } from "../domain/jsonNumber.ts";
import type { Millis } from "../domain/time.ts";
import { parsePath } from "../matching/index.ts";
import type { Fault } from "./phase.ts";

/**
 * What an erasure asked before a request got here. A message may have waited for days, in a queue, a dead-letter queue or a
 * standby region: what was accepted before an erasure is erased on arrival, long after the erasure has ended.
 */

/** What stands in place of an erased event, as erasure leaves it in stored batches. */
const EMPTY = Buffer.from("{}");

/** Erasures of everything up to this time (milliseconds) or later. */
export const allErased = (erasures: readonly Erasure[], acceptedAt: Millis): boolean =>
  erasures.some(({ until, subject }) => subject === undefined && until >= acceptedAt);

/** Offsets of the events that an erasure is about; empty at once where no erasure came later. */
export function offsetsErased(erasures: readonly Erasure[], acceptedAt: Millis, events: readonly Buffer[]): number[] {
  const tests = erasures.flatMap(({ until, subject }) => {
    if (until < acceptedAt || subject === undefined) return [];
    const path = parsePath(subject.jsonpath);
    const { equals_hmac, equals_sha256, equals_type } = subject;
    const key = equals_hmac === undefined ? undefined : subject.key;
    if (equals_hmac !== undefined && key === undefined) return [];
    return (payload: unknown) =>
      path
        .values(payload)
        .some(
          (value) =>
            isSubjectValue(value) &&
            (equals_type ?? subjectType(value)) === subjectType(value) &&
            subjectHash(value, key) === (equals_hmac ?? equals_sha256),
        );
  });
  if (tests.length === 0) return [];
  return events.flatMap((raw, offset) => {
    const payload = parseJson(raw.toString("utf8"));
    return tests.some((test) => test(payload)) ? [offset] : [];
  });
}

export interface Rest {
  readonly events: readonly Buffer[];
  readonly types: readonly (string | null)[];
  readonly body: Body;
  readonly matched: Readonly<Record<string, readonly number[]>>;
}

/**
 * The rest of a request. Places stay as they were.
 * @param putPayload puts what is too large for an item under this key
 */
export async function restOf(
  { events, types, matched }: Omit<Rest, "body">,
  erased: readonly number[],
  batch: { readonly tenant: Tenant; readonly first: Ulid },
  putPayload: (key: string, packed: Buffer) => Promise<void>,
): Promise<Rest> {
  const kept = events.map((raw, offset) => (erased.includes(offset) ? EMPTY : raw));
  // A key of its own: the object that it came in, which may be named `-rest`, is removed afterwards.
  const body = await placeBody(pack(kept), `${batch.tenant}/${batch.first}-kept`, putPayload);
  const left = Object.entries(matched).map(
    ([id, all]) => [id, all.filter((offset) => !erased.includes(offset))] as const,
  );
  return {
    events: kept,
    types: types.map((type, offset) => (erased.includes(offset) ? null : type)),
    body,
    matched: Object.fromEntries(left.filter(([, offsets]) => offsets.length > 0)),
  };
}

/** Removes the objects that erased events came in. A failure is the work's own. */
export async function removeErased(
  works: readonly { readonly remove?: string | undefined; fault?: Fault }[],
  removePayload: (key: string) => Promise<void>,
): Promise<void> {
  for (const work of works) {
    if (work.remove === undefined) continue;
    try {
      await removePayload(work.remove);
    } catch (error) {
      work.fault = { phase: "erase", error };
    }
  }
}
