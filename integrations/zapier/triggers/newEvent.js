const { outputFields, sample, toItem } = require("../items");

/** Events of every type. */
const ALL = "$";
const selectorOf = ({ inputData }) => inputData.event_selector || ALL;

const performSubscribe = async (z, bundle) => {
  const { data } = await z.request({
    url: `${bundle.authData.base_url}/subscriptions`,
    method: "POST",
    body: {
      target_url: bundle.targetUrl,
      event_selector: selectorOf(bundle),
      workflow_id: `zapier_${bundle.meta?.zap?.id ?? "unknown"}`,
    },
  });
  // Zapier keeps it, and gives it back as bundle.subscribeData. The secret is of no use there: Zapier verifies no signatures.
  const { signing_secret: _, ...subscription } = data;
  return subscription;
};

/** As well when the subscription is gone already. */
const performUnsubscribe = async (z, bundle) => {
  const { subscription_id } = bundle.subscribeData;
  await z.request({ url: `${bundle.authData.base_url}/subscriptions/${subscription_id}`, method: "DELETE" });
  return {};
};

/** A hook's body is an array of events: a Zap runs once for each. */
const perform = async (_z, bundle) => [bundle.cleanedRequest].flat().map(toItem);

/** Samples while a Zap is edited: recorded events that the selector matches, and where there are none, the newest. */
const performList = async (z, bundle) => {
  const { data } = await z.request({
    url: `${bundle.authData.base_url}/subscriptions/rehearse`,
    method: "POST",
    body: { event_selector: selectorOf(bundle), limit: 1_000 },
  });
  return data.samples.slice(0, 3).map(({ event }) => toItem(event));
};

module.exports = {
  key: "event",
  noun: "Event",
  display: {
    label: "New Event",
    description: "Triggers when an event is accepted that matches.",
  },
  operation: {
    type: "hook",
    inputFields: [
      {
        key: "event_selector",
        label: "Which Events",
        type: "string",
        required: false,
        helpText:
          "An event type (`order.created`), a pattern (`order.*`), or a condition (`$.amount > 100`). Empty: every event.",
      },
    ],
    performSubscribe,
    performUnsubscribe,
    perform,
    performList,
    sample,
    outputFields,
  },
};
