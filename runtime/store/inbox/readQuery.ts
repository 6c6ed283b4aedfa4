import type { Event, EventStatus } from "../../domain/event.ts";
import type { Millis } from "../../domain/time.ts";
import type { WantedTypes } from "../../matching/index.ts";
import type { Order } from "../batches/batchStream.ts";

/** Which events are read, and in which order. */
export interface ReadQuery extends WantedTypes {
  readonly order: Order;
  /** Received at or after, before; milliseconds. */
  readonly from?: Millis;
  readonly to?: Millis;
  /** Ids of the keys that sent it. */
  readonly keys?: readonly string[];
  readonly statuses?: readonly EventStatus[];
  readonly acknowledged: boolean | "all";
  /** Whether the event is wanted; asked only of events that pass everything else but the status. */
  matches?(event: Event): boolean;
  /** Text contained in the payload, in any case. */
  readonly text?: string;
  /** The payload as `matches` and `text` are asked of it. @default as it was sent */
  known?(raw: Buffer): Buffer;
}

/** Where reading goes on. read.ts says what it guarantees. */
export interface Position {
  /** When reading began, milliseconds. */
  readonly began: Millis;
  /** ULID of the last event that was given or passed over; none before the first. */
  readonly after?: string;
  /** In the last phase: events that were stored after reading began. */
  readonly late?: true;
  /** ULID of the last event given. */
  readonly given?: string;
  /** Of the low-water mark when reading began. */
  readonly generation?: number;
}
