/**
 * What one answer of a function may hold. Lambda takes 6,291,556 bytes of JSON, in which the body is a string: its quotes, backslashes
 * and line ends take two bytes each. In base64 every body takes four thirds of its bytes.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */

/** Bytes that a list fills before its next page begins. */
export const PAGE_BYTES = 4_500_000;
/** Bytes of a body that always fit, with 24 KB for the headers. */
export const MOST_ANSWER_BYTES = 4_700_000;
/** Any text of this size fits as it is: JSON has no control characters, of which each would take six bytes. */
const TEXT_BYTES = 1_000_000;

/** A body as the answer of a function URL carries it. @param text whether it is UTF-8 text. @default a string is */
export const carried = (
  body: Buffer | string,
  text = typeof body === "string",
): { readonly body: string; readonly isBase64Encoded: boolean } =>
  text && Buffer.byteLength(body) <= TEXT_BYTES
    ? { body: body.toString(), isBase64Encoded: false }
    : { body: (typeof body === "string" ? Buffer.from(body) : body).toString("base64"), isBase64Encoded: true };

/** Bytes of a value in JSON. */
export const jsonSize = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/**
 * The first items that fit into an answer, one at least.
 * @param room bytes for all of them
 */
export function fitting<T>(items: readonly T[], sizeOf: (item: T) => number, room = PAGE_BYTES): readonly T[] {
  let bytes = 0;
  const end = items.findIndex((item, at) => {
    bytes += sizeOf(item) + 1;
    return at > 0 && bytes > room;
  });
  return end < 0 ? items : items.slice(0, end);
}
