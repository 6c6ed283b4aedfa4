/** Hands a file to the browser. */
export function save(name: string, type: string, content: string | Uint8Array<ArrayBuffer>): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

export const saveCsv = (name: string, text: string): void => save(`${name}.csv`, "text/csv", text);
export const saveJson = (name: string, value: unknown): void =>
  save(`${name}.json`, "application/json", JSON.stringify(value, null, 2));
