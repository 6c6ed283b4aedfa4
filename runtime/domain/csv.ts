/** Tables as RFC 4180 writes them. */

export type Cell = string | number | null;

/** A text that a spreadsheet would take for a formula is quoted as text. */
const csvCell = (value: Cell): string => {
  if (value === null) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** @param head names of the columns */
export const csvText = (head: readonly string[], lines: readonly (readonly Cell[])[]): string =>
  [head, ...lines].map((line) => `${line.map(csvCell).join(",")}\r\n`).join("");
