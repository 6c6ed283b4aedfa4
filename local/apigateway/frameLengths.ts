/**
 * How long the frames of a WebSocket are, told from their headers alone as bytes pass by. The library that reads them knows a limit of
 * messages, but none of frames. Source of the layout: RFC 6455, section 5.2, as a client sends it: always masked.
 */
export class FrameLengths {
  /** Bytes of the current frame that are still to come, after its header. */
  #left = 0;
  #head: number[] = [];

  /** @returns the longest frame that begins in these bytes, 0 where none does */
  take(bytes: Uint8Array): number {
    let longest = 0;
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        this.#left -= passed;
        at += passed;
        continue;
      }
      this.#head.push(bytes[at]!);
      at += 1;
      const length = lengthIn(this.#head);
      if (length === undefined) continue;
      longest = Math.max(longest, length);
      this.#left = length;
      this.#head = [];
    }
    return longest;
  }
}

const MASK_BYTES = 4;

/** The payload's length once the header is whole. */
function lengthIn(head: readonly number[]): number | undefined {
  if (head.length < 2) return undefined;
  const short = head[1]! & 0x7f;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const masked = (head[1]! & 0x80) !== 0;
  if (head.length < 2 + extra + (masked ? MASK_BYTES : 0)) return undefined;
  if (extra === 0) return short;
  return head.slice(2, 2 + extra).reduce((sum, byte) => sum * 256 + byte, 0);
}
