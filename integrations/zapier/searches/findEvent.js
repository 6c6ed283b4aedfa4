const { outputFields, sample, toItem } = require("../items");

/** By its id, or the newest by type and text. Nothing found is an empty list. */
const perform = async (z, bundle) => {
  const { event_id, event_type, text } = bundle.inputData;
  const base = bundle.authData.base_url;
  if (event_id) {
    const { data } = await z.request({ url: `${base}/events/lookup`, method: "POST", body: { event_ids: [event_id] } });
    return data.events.map(toItem);
  }
  const params = { limit: 1, acknowledged: "all", ...(event_type ? { event_type } : {}), ...(text ? { q: text } : {}) };
  const { data } = await z.request({ url: `${base}/inbox`, params });
  return data.events.map(toItem);
};

module.exports = {
  key: "find_event",
  noun: "Event",
  display: { label: "Find Event", description: "Finds an event by its ID, or the newest by type and text." },
  operation: {
    inputFields: [
      { key: "event_id", label: "Event ID", type: "string", required: false },
      { key: "event_type", label: "Event Type", type: "string", required: false, helpText: "Or a pattern: `order.*`" },
      { key: "text", label: "Text", type: "string", required: false, helpText: "Contained in the payload" },
    ],
    perform,
    sample: { ...sample, status: "delivered" },
    outputFields: [...outputFields, { key: "status", label: "Status", type: "string" }],
  },
};
