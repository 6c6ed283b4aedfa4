/** What people typed as a payload: JSON where it is JSON. */
const payloadOf = (z, text) => {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {}
  throw new z.errors.Error("The payload is not a JSON object.", "invalid_json", 400);
};

const perform = async (z, bundle) => {
  const { event_type, payload, fields, deduplicate_by } = bundle.inputData;
  const { data } = await z.request({
    url: `${bundle.authData.base_url}/events`,
    method: "POST",
    headers: deduplicate_by ? { "idempotency-key": deduplicate_by } : {},
    body: {
      ...(payload ? payloadOf(z, payload) : {}),
      ...(fields ?? {}),
      ...(event_type ? { event_type } : {}),
    },
  });
  return { id: data.event_id, ...data };
};

module.exports = {
  key: "send_event",
  noun: "Event",
  display: {
    label: "Send Event",
    description: "Sends an event, which starts every workflow whose selector matches it.",
  },
  operation: {
    inputFields: [
      { key: "event_type", label: "Event Type", type: "string", required: false, helpText: "Such as `order.created`" },
      { key: "fields", label: "Fields", dict: true, required: false, helpText: "Members of the event" },
      {
        key: "payload",
        label: "Payload",
        type: "text",
        required: false,
        helpText: "A JSON object, for members that are not plain text",
      },
      {
        key: "deduplicate_by",
        label: "Deduplicate By",
        type: "string",
        required: false,
        helpText: "The same value within 24 hours sends no second event: an order's number, for instance.",
      },
    ],
    perform,
    sample: { id: "evt_01M88FFK1QVXXRB524PVS8B7M0", event_id: "evt_01M88FFK1QVXXRB524PVS8B7M0", status: "accepted" },
    outputFields: [
      { key: "event_id", label: "Event ID", type: "string" },
      { key: "status", label: "Status", type: "string" },
    ],
  },
};
