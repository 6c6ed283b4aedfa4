import { z } from "@hono/zod-openapi";
import { TriggersError } from "../domain/errors/errors.ts";
import { readSigned, signText } from "../domain/signedText.ts";
import type { Deps } from "./deps.ts";

/** Cursors are opaque and signed for tenant and list: one made for another customer or another list is refused like a forged one. */
const bad = () =>
  new TriggersError("invalid_request", "The cursor is not valid.", {
    details: [{ path: "/cursor", message: "is not a cursor of this list" }],
  });

/** @param purpose who and what it is for: `${tenant}:subscriptions`, with filters that must not change between pages */
export async function signCursor(deps: Deps, purpose: string, value: unknown): Promise<string> {
  return signText(await deps.secret(deps.env.CURSOR_SECRET), purpose, value);
}

/** @throws TriggersError `invalid_request` unless `signCursor` made it for the same purpose */
export async function readCursor<T>(deps: Deps, purpose: string, cursor: string): Promise<T> {
  const value = readSigned<T>(await deps.secret(deps.env.CURSOR_SECRET), purpose, cursor);
  if (value === undefined) throw bad();
  return value;
}

/** A whole number in a query, as text. */
export const wholeNumber = (min: number, max: number, fallback: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().int().min(min).max(max))
    .default(fallback)
    .openapi({ type: "integer", minimum: min, maximum: max, default: fallback });

/** A query parameter that may be given several times. */
export const repeatable = <T extends z.ZodType>(item: T) =>
  z.union([z.array(item), item]).transform((value) => (Array.isArray(value) ? value : [value]) as z.output<T>[]);

/** The two parameters of every list; extend it with the list's own filters: `z.strictObject({ ...listQuery, … })`. */
export const listQuery = {
  limit: wholeNumber(1, 1_000, 100),
  cursor: z.string().max(4_096).optional(),
};

/**
 * Cuts a page out of `limit + 1` rows that were read and signs the cursor of the next.
 * @param position what the next page begins after, from the last row of this one
 */
export async function pageOf<Row>(
  deps: Deps,
  purpose: string,
  rows: readonly Row[],
  limit: number,
  position: (last: Row) => unknown,
): Promise<{ items: readonly Row[]; next_cursor: string | null }> {
  if (rows.length <= limit) return { items: rows, next_cursor: null };
  const items = rows.slice(0, limit);
  return { items, next_cursor: await signCursor(deps, purpose, position(items.at(-1)!)) };
}
