import { type Cell, csvText } from "../domain/csv.ts";

/** Whether the caller asks for a table. @param accept its header `Accept` */
export const wantsCsv = (accept: string | undefined): boolean => accept?.includes("text/csv") === true;

/** @param head names of the columns */
export const csvAnswer = (head: readonly string[], lines: readonly (readonly Cell[])[]): Response =>
  new Response(csvText(head, lines), { headers: { "content-type": "text/csv; charset=utf-8" } });
