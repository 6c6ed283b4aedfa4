/** The states that things are in, as lists and filters name them. Of nothing else, so that pages can name them too. */

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

/** Whether another attempt follows by itself. */
export const waits = (status: DeliveryStatus | EventStatus): boolean => status === "pending" || status === "failed";

/** States of a subscription that is there. */
export const subscriptionStatuses = ["active", "disabled"] as const;
