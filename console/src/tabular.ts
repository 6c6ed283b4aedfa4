/** Objects of a list as rows of a table: the head first, a column for each member that any of them has. Pure. */
export function tabular(rows: readonly object[]): (string | number)[][] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cell = (value: unknown): string | number => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number" || typeof value === "string") return value;
    return JSON.stringify(value);
  };
  return [names, ...rows.map((row) => names.map((name) => cell((row as Readonly<Record<string, unknown>>)[name])))];
}
