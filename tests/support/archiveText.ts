import fc from "fast-check";
import { encodeArchive } from "../../runtime/domain/codec/index.ts";
import { eventHeads } from "../../runtime/domain/event.ts";

/** JSON texts as senders format them: the same value with any insignificant whitespace. */
const space = fc.array(fc.constantFrom(" ", "\n", "\r\n", "\t", "\r"), { maxLength: 3 }).map((parts) => parts.join(""));

/** A JSON object's text with whitespace put between its tokens, and the same without. */
export const formatted: fc.Arbitrary<{ readonly text: string; readonly compact: string }> = fc
  .tuple(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), fc.infiniteStream(space))
  .map(([value, spaces]) => {
    const compact = JSON.stringify(value);
    const tokens = compact.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^{}[\]:,"]+/g)!;
    const text = tokens.map((token, i) => (i === 0 ? token : `${spaces.next().value as string}${token}`)).join("");
    return { text, compact };
  });

/** A batch's lines of the archive as they were written before a sender's line ends were taken out. */
export function oldArchive(
  batch: { readonly first: string },
  customerId: string,
  environment: string,
  events: readonly { readonly type: string | null; readonly text: string }[],
): Buffer {
  const head = eventHeads(
    batch.first,
    events.map(({ type }) => type),
  );
  // A text that payloads never have stands for each, and is replaced by it in the line.
  const line = encodeArchive(
    batch,
    customerId,
    environment,
    events.map((_, i) => ({ head: head(i), raw: Buffer.from(`<${i}>`) })),
  );
  if (line.length !== 1) throw new Error("these events take more than one line");
  return Buffer.from(line[0]!.toString().replace(/<(\d+)>/g, (_, i: string) => events[Number(i)]!.text));
}
