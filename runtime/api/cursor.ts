import { z } from "@hono/zod-openapi";
import { fitting, jsonSize } from "../domain/answer.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import { readSigned, signText } from "../domain/signedText.ts";
import type { Deps } from "./deps.ts";
import { NextCursor } from "./schemas.ts";

/** Cursors are opaque and signed for tenant and list: one made for another customer or another list is refused like a forged one. */
const bad = () =>
  new TriggersError("invalid_request", "The cursor is not valid.", {
    details: [{ path: "/cursor", message: "is not a cursor of this list, or was made for other filters" }],
  });

/** For a cursor that came with other filters than it was made for. */
export const otherFilters = (): TriggersError =>
  new TriggersError("invalid_request", "The cursor was made for other filters.", {
    details: [{ path: "/cursor", message: "belongs to other filters than those of this request" }],
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

export const PAGE_SIZE = "Items of a page, at most.";

export const Cursor = z.string().max(4_096);

/** The two parameters of every list; extend it with the list's own filters: `z.strictObject({ ...listQuery, … })`. */
export const listQuery = {
  limit: wholeNumber(1, 1_000, 100).openapi({ description: PAGE_SIZE }),
  cursor: Cursor.optional().openapi({ description: "`next_cursor` of the page before." }),
};

/** What every list answers. @param plural the member that holds the items: `alert_rules` */
export const pageOf = (plural: string, item: z.ZodType, description = "One page.") => ({
  200: { description, schema: z.object({ [plural]: z.array(item), next_cursor: NextCursor }) },
});

/** The view of a row that is answered as it is. */
export const same = <Row>(row: Row): Row => row;

/** A list, open at the page that its caller asked for. */
export interface List<Position> {
  /** Where the page before ends; undefined for the first page. */
  readonly after: Position | undefined;
  /** How many rows to read: one more than a page may hold, which tells whether another page follows. */
  readonly toRead: number;
  /**
   * Cuts the page out of the rows that were read, and signs the cursor of the next. A page ends earlier where its items would not fit
   * into an answer. Each item is written once more to be measured: so a route still answers objects, whose types the contract checks.
   * @param view a row as it is answered; a text is JSON already
   * @param position what the next page begins after, from the last row of this one and the number of its rows
   */
  page<Row, View>(
    rows: readonly Row[],
    view: (row: Row) => View,
    position: (last: Row, count: number) => Position,
  ): Promise<{ items: View[]; next_cursor: string | null }>;
}

/**
 * Opens a list at the page that the cursor names, or at its first.
 * @param purpose as for `signCursor`
 * @throws TriggersError `invalid_request` for a cursor of another list
 */
export async function openList<Position>(
  deps: Deps,
  purpose: string,
  { cursor, limit }: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<List<Position>> {
  return {
    after: cursor === undefined ? undefined : await readCursor<Position>(deps, purpose, cursor),
    toRead: limit + 1,
    async page(rows, view, position) {
      const views = rows.slice(0, limit).map(view);
      const items = [
        ...fitting(views, (item) => (typeof item === "string" ? Buffer.byteLength(item) : jsonSize(item))),
      ];
      if (items.length === rows.length) return { items, next_cursor: null };
      const next = position(rows[items.length - 1]!, items.length);
      return { items, next_cursor: await signCursor(deps, purpose, next) };
    },
  };
}
