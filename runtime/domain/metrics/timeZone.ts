/**
 * Whether the text names a time zone, such as `Europe/Berlin`. An offset such as `+01:00` is refused: it ignores daylight saving.
 */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }) !== undefined;
  } catch {
    return false;
  }
}
