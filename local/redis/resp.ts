/** RESP 2 and 3. Strings travel as `latin1`, one character a byte, so that any bytes pass unchanged. */
export type Reply = string | number | null | Simple | RedisError | Aggregate | readonly Reply[];

/** A status such as `OK`. */
export class Simple {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
export const OK = new Simple("OK");

/** An error reply; the text begins with its kind: `ERR …`, `WRONGTYPE …`, `NOSCRIPT …`. */
export class RedisError extends Error {}

/** A map (names and values in turn) or a set: a list to those who speak RESP 2, and to scripts. */
export class Aggregate {
  readonly kind: "map" | "set";
  readonly items: readonly Reply[];
  constructor(kind: "map" | "set", items: readonly Reply[]) {
    this.kind = kind;
    this.items = items;
  }
}

export type Protocol = 2 | 3;

export function encode(reply: Reply, protocol: Protocol = 2): string {
  if (typeof reply === "string") return `$${reply.length}\r\n${reply}\r\n`;
  if (typeof reply === "number") return `:${reply}\r\n`;
  if (reply === null) return protocol === 3 ? "_\r\n" : "$-1\r\n";
  if (reply instanceof Simple) return `+${reply.text}\r\n`;
  if (reply instanceof RedisError) return `-${reply.message.replace(/[\r\n]+/g, " ")}\r\n`;
  const items = reply instanceof Aggregate ? reply.items : reply;
  let text = `*${items.length}\r\n`;
  if (protocol === 3 && reply instanceof Aggregate)
    text = reply.kind === "map" ? `%${items.length / 2}\r\n` : `~${items.length}\r\n`;
  for (const one of items) text += encode(one, protocol);
  return text;
}

/** Cuts commands out of a stream of bytes. */
export class CommandReader {
  #text = "";

  /** @returns the commands that are complete now. @throws RedisError for bytes that are no RESP */
  push(data: Buffer): string[][] {
    this.#text = this.#text === "" ? data.toString("latin1") : this.#text + data.toString("latin1");
    const commands: string[][] = [];
    let at = 0;
    for (;;) {
      const read = readCommand(this.#text, at);
      if (read === undefined) break;
      at = read.end;
      if (read.words.length > 0) commands.push(read.words);
    }
    this.#text = this.#text.slice(at);
    return commands;
  }
}

function readCommand(text: string, from: number): { words: string[]; end: number } | undefined {
  const line = text.indexOf("\r\n", from);
  if (line < 0) return undefined;
  if (text[from] !== "*") {
    // Inline, as `redis-cli` or a person with telnet types it.
    const words = text
      .slice(from, line)
      .split(/\s+/)
      .filter((word) => word !== "");
    return { words, end: line + 2 };
  }
  const count = Number(text.slice(from + 1, line));
  if (!Number.isInteger(count)) throw new RedisError("ERR Protocol error: invalid multibulk length");
  const words: string[] = [];
  let at = line + 2;
  for (let i = 0; i < count; i += 1) {
    const end = text.indexOf("\r\n", at);
    if (end < 0) return undefined;
    if (text[at] !== "$") throw new RedisError(`ERR Protocol error: expected '$', got '${text[at]}'`);
    const length = Number(text.slice(at + 1, end));
    if (!Number.isInteger(length) || length < 0) throw new RedisError("ERR Protocol error: invalid bulk length");
    if (text.length < end + 2 + length + 2) return undefined;
    words.push(text.slice(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return { words, end: at };
}
