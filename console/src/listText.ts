/** Several texts in one line, by commas, and such a line as several texts. Pure. */

/** Written without quotes it would be read as something else. @param reserved texts that stand for something */
const needsQuotes = (text: string, reserved: readonly string[]): boolean =>
  text === "" || text !== text.trim() || /[",]/.test(text) || reserved.includes(text);

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/**
 * Each text as it is, and in quotes where it holds a comma: `order.created, "a,b"`.
 * @param none what stands for null
 */
export const lineOf = (texts: readonly (string | null)[], none = ""): string =>
  texts.map((text) => (text === null ? none : needsQuotes(text, [none]) ? quoted(text) : text)).join(", ");

/** What `lineOf` has written, and what people write: spaces around a text, and empty places, count for nothing. */
export const textsOf = (line: string, none = ""): (string | null)[] =>
  [...line.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))\s*(?:,|$)/g)].flatMap(([, inQuotes, plain = ""]) => {
    if (inQuotes !== undefined) return [inQuotes.replaceAll('""', '"')];
    const text = plain.trim();
    return text === "" ? [] : [text === none ? null : text];
  });
