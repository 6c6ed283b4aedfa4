/** Tables as RFC 4180 writes them. */

/** A text that a spreadsheet would take for a formula is quoted as text. */
const csvCell = (value: string | number | null): string => {
  if (value === null) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Whether the caller asks for a table. @param accept its header `Accept` */
export const wantsCsv = (accept: string | undefined): boolean => accept?.includes("text/csv") === true;

/** @param head names of the columns */
export function csvAnswer(head: readonly string[], lines: readonly (readonly (string | number | null)[])[]): Response {
  const text = [head, ...lines].map((line) => `${line.map(csvCell).join(",")}\r\n`).join("");
  return new Response(text, { headers: { "content-type": "text/csv; charset=utf-8" } });
}
