import { eventId, rfc3339, timeOf, ulidAt } from "./ids.ts";

/** An event as matching and transforms see it. `payload` is the parsed JSON; numbers may have lost digits. */
export interface Event {
  readonly event_id: string;
  readonly event_type: string | null;
  /** RFC 3339 UTC with milliseconds. */
  readonly received_at: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Worst wins: dead_lettered > failed > pending > delivered; without a matching subscription, unmatched. */
export const eventStatuses = ["unmatched", "pending", "delivered", "failed", "dead_lettered"] as const;
export type EventStatus = (typeof eventStatuses)[number];

/** States of one delivery. `cancelled` ones do not count for an event's status. */
export const deliveryStatuses = ["pending", "delivered", "failed", "dead_lettered", "cancelled"] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

const rank: Record<DeliveryStatus, number> = { cancelled: 0, delivered: 1, pending: 2, failed: 3, dead_lettered: 4 };

/** Folds the states of an event's deliveries into the event's status. */
export function foldStatus(deliveries: Iterable<DeliveryStatus>): EventStatus {
  let worst: DeliveryStatus = "cancelled";
  for (const status of deliveries) if (rank[status] > rank[worst]) worst = status;
  return worst === "cancelled" ? "unmatched" : worst;
}

/** The event's JSON text with its payload's bytes spliced in unchanged: what inbox, webhook, archive and export hold. */
export function spliceEvent(first: string, offset: number, type: string | null, raw: Uint8Array): Buffer {
  const ulid = ulidAt(first, offset);
  const head = `{"event_id":"${eventId(ulid)}","event_type":${JSON.stringify(type)},"received_at":"${rfc3339(timeOf(ulid))}","payload":`;
  return Buffer.concat([Buffer.from(head, "utf8"), raw, CLOSE]);
}
const CLOSE = Buffer.from("}");
