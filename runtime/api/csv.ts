import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { type Cell, csvText } from "../domain/csv.ts";

/** Whether the caller asks for a table, and prefers it to JSON. */
export const wantsCsv = (c: Context): boolean =>
  accepts(c, { header: "Accept", supports: ["application/json", "text/csv"], default: "application/json" }) ===
  "text/csv";

/** @param head names of the columns */
export const csvAnswer = (head: readonly string[], lines: readonly (readonly Cell[])[]): Response =>
  new Response(csvText(head, lines), { headers: { "content-type": "text/csv; charset=utf-8" } });
