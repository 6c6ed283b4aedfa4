/** Whether the text is in the payload as written, or in one of its strings or names once their escapes are read. */
export function containsText(raw: Buffer, lowered: string): boolean {
  const text = raw.toString("utf8");
  if (text.toLowerCase().includes(lowered)) return true;
  return text.includes("\\") && anyString(JSON.parse(text), (value) => value.toLowerCase().includes(lowered));
}

function anyString(value: unknown, test: (text: string) => boolean): boolean {
  if (typeof value === "string") return test(value);
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([name, member]) => test(name) || anyString(member, test));
}
