/** Zapier wants an `id` in each element, and drops one that it has seen: an event that comes twice runs a Zap once. */
const toItem = (event) => ({ id: event.event_id, ...event });

const sample = toItem({
  event_id: "evt_01M88FFK1QVXXRB524PVS8B7M0",
  event_type: "order.created",
  received_at: "2026-11-25T04:30:04.855Z",
  payload: { event_type: "order.created", id: 1 },
});

const outputFields = [
  { key: "event_id", label: "Event ID", type: "string" },
  { key: "event_type", label: "Event Type", type: "string" },
  { key: "received_at", label: "Received At", type: "datetime" },
];

module.exports = { toItem, sample, outputFields };
