import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { DurableFile } from "../durable.ts";
import type { OldJournal } from "../oldJournal.ts";
import type { MessageAttributes } from "./rules.ts";

/** A message as it is taken in. Times in milliseconds since the epoch. */
export interface Draft {
  readonly id: string;
  readonly body: string;
  readonly md5: string;
  readonly attributes?: MessageAttributes | undefined;
  readonly attributesMd5?: string | undefined;
  readonly group?: string | undefined;
  readonly trace?: string | undefined;
  readonly sender: string;
  readonly deadLetterSource?: string;
  readonly sentAt: number;
  readonly visibleAt: number;
  readonly receives: number;
  readonly firstReceivedAt: number;
}

/** A message that a queue holds. Its body stays in memory while there is room, else in the file alone. */
export interface Message extends Omit<Draft, "body" | "visibleAt" | "receives" | "firstReceivedAt"> {
  readonly seq: number;
  body: string | undefined;
  readonly bodyLength: number;
  state: "new" | "ready" | "delayed" | "flight" | "gone";
  /** Counts the changes of state: a receipt handle is good for one. */
  ticket: number;
  visibleAt: number;
  receives: number;
  /**
   * Receives that ended with their run, by SIGKILL or Ctrl-C. They are not the message's fault, so redriving leaves them
   * out.
   */
  unended: number;
  firstReceivedAt: number;
}

/** Characters of bodies that may stay in memory, over all queues that share it. */
export interface Room {
  left: number;
}

interface Row {
  readonly seq: number;
  readonly meta: string;
  readonly sum: number;
  readonly body_length: number;
  readonly receives: number | null;
  readonly unended: number | null;
  readonly first_received_at: number | null;
}

/** A stored message without its body and its receives. */
type Meta = Omit<Draft, "body" | "receives" | "firstReceivedAt">;

/** Queues by number: each has tables of its own. */
export const QUEUES = "CREATE TABLE IF NOT EXISTS queues (id INTEGER PRIMARY KEY, name TEXT UNIQUE)";

/** The messages of one queue, in memory and in the file that all queues share. */
export class MessageStore {
  readonly #file: DurableFile;
  readonly #room: Room;
  readonly #log: (line: string) => void;
  readonly #name: string;
  readonly #messages = new Map<number, Message>();
  readonly #sql: ReturnType<typeof statements>;
  #next: number;

  /**
   * @param name of the queue, with its region
   * @param firstSeq numbers start here, or after the highest found; above any of earlier runs, so that old receipts match nothing new
   */
  constructor(file: DurableFile, name: string, room: Room, firstSeq: number, log: (line: string) => void) {
    this.#file = file;
    this.#room = room;
    this.#log = log;
    this.#name = name;
    this.#next = firstSeq;
    file.run("INSERT OR IGNORE INTO queues (name) VALUES (?)", name);
    const { id } = file.get("SELECT id FROM queues WHERE name = ?", name) as { id: number };
    for (const create of tables(id)) file.run(create);
    this.#sql = statements(id);
    this.#load();
  }

  all(): IterableIterator<Message> {
    return this.#messages.values();
  }

  get(seq: number): Message | undefined {
    return this.#messages.get(seq);
  }

  /** Takes a message in, with the other changes of this turn. */
  add(draft: Draft): Message {
    const message = this.#hold(draft);
    this.#file.change(this.#insertion(message, draft.body));
    return message;
  }

  /**
   * Stores a message; resolves when it is safe from a kill.
   * @throws Error when storing fails: then the store has forgotten the message
   */
  async addDurably(
    draft: Draft,
    held: (message: Message) => void,
    dropped: (message: Message) => void,
  ): Promise<Message> {
    const message = this.#hold(draft);
    held(message);
    try {
      await this.#file.durable(this.#insertion(message, draft.body));
    } catch (cause) {
      dropped(message);
      this.#forget(message);
      throw cause;
    }
    return message;
  }

  /** Records that the messages were received once more. @throws Error when it can't be recorded */
  async received(messages: readonly Message[]): Promise<void> {
    await this.#file.durable(() => {
      for (const { seq, receives, unended, firstReceivedAt } of messages)
        this.#file.run(this.#sql.receive, seq, receives, unended, firstReceivedAt);
    });
  }

  remove(message: Message): void {
    this.#forget(message);
    const { seq } = message;
    this.#file.change(() => {
      this.#file.run(this.#sql.remove, seq);
      this.#file.run(this.#sql.forgetReceives, seq);
    });
  }

  /** Passes a message over whose body can't be read: it stays in the file. */
  setAside(message: Message): void {
    this.#forget(message);
  }

  /** @returns undefined when the body can't be read: that has been said */
  body(message: Message): string | undefined {
    if (message.body !== undefined) return message.body;
    const row = this.#file.get(this.#sql.body, message.seq) as { body: Uint8Array } | undefined;
    const body = row === undefined ? undefined : Buffer.from(row.body).toString("utf8");
    if (body !== undefined && hash("md5", body) === message.md5) return body;
    this.#log(
      `queue ${this.#name}: the body of message ${message.id} is damaged in ${this.#file.path} and is passed over; what it held is in the archive if it was routed before`,
    );
    return undefined;
  }

  flushed(): Promise<void> {
    return this.#file.flushed();
  }

  /** Takes messages over that an earlier version kept elsewhere. @throws Error when they can't be written */
  takeOver(drafts: readonly Draft[]): void {
    const insertions = drafts.map((draft) => {
      const message = this.#hold(draft);
      return { message, insert: this.#insertion(message, draft.body) };
    });
    this.#file.now(() => {
      for (const { message, insert } of insertions) {
        insert();
        const { seq, receives, firstReceivedAt } = message;
        if (receives > 0) this.#file.run(this.#sql.receive, seq, receives, 1, firstReceivedAt);
      }
    });
    for (const { message } of insertions) message.unended = Math.min(1, message.receives);
  }

  #load(): void {
    let damaged = 0;
    for (const row of this.#file.all(this.#sql.load) as IterableIterator<Row>) {
      this.#next = Math.max(this.#next, row.seq + 1);
      if (crc32(row.meta) !== row.sum) {
        damaged += 1;
        continue;
      }
      const receives = row.receives ?? 0;
      this.#messages.set(row.seq, {
        ...(JSON.parse(row.meta) as Meta),
        seq: row.seq,
        body: undefined,
        bodyLength: row.body_length,
        state: "new",
        ticket: 0,
        receives,
        // Its last receiver ended with the last run, whether it succeeded or not.
        unended: receives === 0 ? 0 : Math.min(receives, (row.unended ?? 0) + 1),
        firstReceivedAt: row.first_received_at ?? 0,
      });
    }
    if (damaged > 0)
      this.#log(
        `queue ${this.#name}: ${damaged} damaged ${damaged === 1 ? "message" : "messages"} in ${this.#file.path} passed over; what they held is in the archive if it was routed before`,
      );
  }

  #hold(draft: Draft): Message {
    const { body, ...rest } = draft;
    const seq = this.#next++;
    const fits = this.#room.left >= body.length;
    if (fits) this.#room.left -= body.length;
    const message: Message = {
      ...rest,
      seq,
      body: fits ? body : undefined,
      bodyLength: body.length,
      state: "new",
      ticket: 0,
      unended: 0,
    };
    this.#messages.set(seq, message);
    return message;
  }

  /** Putting a message as it is now into the file. */
  #insertion(message: Message, body: string): () => void {
    const { seq, id, md5, attributes, attributesMd5, group, trace, sender, deadLetterSource, sentAt, visibleAt } =
      message;
    const meta = JSON.stringify({
      id,
      md5,
      attributes,
      attributesMd5,
      group,
      trace,
      sender,
      deadLetterSource,
      sentAt,
      visibleAt,
    } satisfies Record<keyof Meta, unknown>);
    return () => this.#file.run(this.#sql.insert, seq, meta, crc32(meta), body.length, Buffer.from(body));
  }

  #forget(message: Message): void {
    if (!this.#messages.delete(message.seq)) return;
    if (message.body !== undefined) this.#room.left += message.body.length;
    message.body = undefined;
  }
}

/** The messages that a queue's journal of state version 1 holds. */
export function messagesOf(journal: OldJournal): readonly Draft[] {
  const [SEND, REMOVE] = [1, 2];
  const found = new Map<number, Draft>();
  for (const payload of journal.records) {
    if (payload[0] === SEND) {
      const bodyAt = 5 + payload.readUInt32LE(1);
      const { seq, ...meta } = JSON.parse(payload.toString("utf8", 5, bodyAt)) as Omit<Draft, "body"> & { seq: number };
      found.set(seq, { ...meta, body: payload.toString("utf8", bodyAt) });
      continue;
    }
    const seq = payload.readDoubleLE(1);
    const known = found.get(seq);
    if (payload[0] === REMOVE) found.delete(seq);
    else if (known !== undefined)
      found.set(seq, { ...known, receives: payload.readUInt32LE(9), firstReceivedAt: payload.readDoubleLE(13) });
  }
  return [...found.values()];
}

const tables = (id: number): readonly string[] => [
  `CREATE TABLE IF NOT EXISTS messages_${id} (seq INTEGER PRIMARY KEY, meta TEXT, sum INTEGER, body_length INTEGER, body BLOB)`,
  `CREATE TABLE IF NOT EXISTS receives_${id} (seq INTEGER PRIMARY KEY, receives INTEGER, unended INTEGER, first_received_at INTEGER)`,
];

/** A receive is a row of its own: changing a row writes its body again. */
const statements = (id: number) => ({
  insert: `INSERT INTO messages_${id} VALUES (?, ?, ?, ?, ?)`,
  remove: `DELETE FROM messages_${id} WHERE seq = ?`,
  body: `SELECT body FROM messages_${id} WHERE seq = ?`,
  receive: `INSERT INTO receives_${id} VALUES (?, ?, ?, ?)
    ON CONFLICT (seq) DO UPDATE SET receives = excluded.receives, unended = excluded.unended, first_received_at = excluded.first_received_at`,
  forgetReceives: `DELETE FROM receives_${id} WHERE seq = ?`,
  load: `SELECT m.seq, m.meta, m.sum, m.body_length, r.receives, r.unended, r.first_received_at
    FROM messages_${id} m LEFT JOIN receives_${id} r ON r.seq = m.seq ORDER BY m.seq`,
});
