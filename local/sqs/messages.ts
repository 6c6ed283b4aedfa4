import type { Journal, Place } from "../journal.ts";
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

/** A message that a queue holds. Its body stays in memory while there is room, else in the journal alone. */
export interface Message extends Omit<Draft, "body" | "visibleAt" | "receives" | "firstReceivedAt"> {
  readonly seq: number;
  body: string | undefined;
  place: Place;
  /** Where in the payload the body begins. */
  bodyAt: number;
  state: "new" | "ready" | "delayed" | "flight" | "gone";
  /** Counts the changes of state: a receipt handle is good for one. */
  ticket: number;
  visibleAt: number;
  receives: number;
  firstReceivedAt: number;
}

/** Characters of bodies that may stay in memory, over all queues that share it. */
export interface Room {
  left: number;
}

const SEND = 1;
const REMOVE = 2;
const RECEIVE = 3;
/** Garbage that a journal may hold beyond as much again as is alive. */
const SLACK_BYTES = 32 * 1024 * 1024;

/** The messages of one queue, in memory and in its journal. */
export class MessageStore {
  readonly #journal: Journal;
  readonly #room: Room;
  readonly #messages = new Map<number, Message>();
  /** How many messages alive lie in each segment. */
  readonly #alive = new Map<number, number>();
  #aliveBytes = 0;
  #next: number;

  /** @param firstSeq numbers start here, or after the highest found; above any of earlier runs, so that old receipts match nothing new */
  constructor(journal: Journal, room: Room, firstSeq: number) {
    this.#journal = journal;
    this.#room = room;
    this.#next = firstSeq;
    journal.open((payload, place) => this.#replay(payload, place));
  }

  all(): IterableIterator<Message> {
    return this.#messages.values();
  }

  get(seq: number): Message | undefined {
    return this.#messages.get(seq);
  }

  add(draft: Draft): Message {
    const message: Message = { ...draft, seq: this.#next++, place: NOWHERE, bodyAt: 0, state: "new", ticket: 0 };
    this.#write(message, draft.body);
    if (this.#room.left >= draft.body.length) this.#room.left -= draft.body.length;
    else message.body = undefined;
    this.#messages.set(message.seq, message);
    return message;
  }

  /** Records that the message was received once more. */
  received(message: Message): void {
    const record = Buffer.allocUnsafe(21);
    record[0] = RECEIVE;
    record.writeDoubleLE(message.seq, 1);
    record.writeUInt32LE(message.receives, 9);
    record.writeDoubleLE(message.firstReceivedAt, 13);
    this.#journal.append(record);
  }

  remove(message: Message): void {
    const record = Buffer.allocUnsafe(9);
    record[0] = REMOVE;
    record.writeDoubleLE(message.seq, 1);
    this.#journal.append(record);
    this.#forget(message);
    this.#clean();
  }

  body(message: Message): string {
    return message.body ?? this.#journal.read(message.place).toString("utf8", message.bodyAt);
  }

  draft(message: Message): Draft {
    return { ...message, body: this.body(message) };
  }

  flushed(): Promise<void> {
    return this.#journal.flushed();
  }

  /** Writes what is alive anew and drops the rest, the bytes of removed messages with it. */
  compact(): void {
    this.#journal.roll();
    this.#alive.clear();
    this.#aliveBytes = 0;
    for (const message of this.#messages.values()) this.#write(message, this.body(message));
    this.#journal.dropBefore();
  }

  close(): void {
    this.#journal.close();
  }

  #write(message: Message, body: string): void {
    const { seq, body: _body, place: _place, bodyAt: _at, state: _state, ticket: _ticket, ...draft } = message;
    const meta = Buffer.from(JSON.stringify({ seq, ...draft }));
    const head = Buffer.allocUnsafe(5);
    head[0] = SEND;
    head.writeUInt32LE(meta.length, 1);
    message.bodyAt = head.length + meta.length;
    message.place = this.#journal.append(head, meta, Buffer.from(body));
    this.#count(message, 1);
  }

  #count(message: Message, sign: 1 | -1): void {
    const { segment, length } = message.place;
    this.#alive.set(segment, (this.#alive.get(segment) ?? 0) + sign);
    this.#aliveBytes += sign * length;
  }

  #forget(message: Message): void {
    this.#messages.delete(message.seq);
    this.#count(message, -1);
    if (message.body !== undefined) this.#room.left += message.body.length;
    message.body = undefined;
  }

  /** Drops old segments: at once when nothing in them is alive, and by writing the rest again when too much is garbage. */
  #clean(): void {
    for (let oldest = this.#journal.oldest(); oldest !== undefined; oldest = this.#journal.oldest()) {
      if ((this.#alive.get(oldest) ?? 0) > 0) {
        if (this.#journal.bytes < 2 * this.#aliveBytes + SLACK_BYTES) return;
        for (const message of this.#messages.values()) {
          if (message.place.segment !== oldest) continue;
          const body = this.body(message);
          this.#count(message, -1);
          this.#write(message, body);
        }
      }
      this.#alive.delete(oldest);
      this.#journal.dropOldest();
    }
  }

  #replay(payload: Buffer, place: Place): void {
    if (payload[0] === SEND) {
      const bodyAt = 5 + payload.readUInt32LE(1);
      const meta = JSON.parse(payload.toString("utf8", 5, bodyAt)) as Omit<Draft, "body"> & { seq: number };
      const known = this.#messages.get(meta.seq);
      if (known !== undefined) this.#forget(known);
      const message: Message = { ...meta, body: undefined, place, bodyAt, state: "new", ticket: 0 };
      this.#messages.set(meta.seq, message);
      this.#count(message, 1);
      this.#next = Math.max(this.#next, meta.seq + 1);
      return;
    }
    const message = this.#messages.get(payload.readDoubleLE(1));
    if (message === undefined) return;
    if (payload[0] === REMOVE) this.#forget(message);
    else {
      message.receives = payload.readUInt32LE(9);
      message.firstReceivedAt = payload.readDoubleLE(13);
    }
  }
}

const NOWHERE: Place = { segment: 0, offset: 0, length: 0 };
