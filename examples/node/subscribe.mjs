// Subscribes WEBHOOK_URL to big orders, and prints the signing secret, which is shown only once.
const response = await fetch(`${process.env.TRIGGERS_URL}/subscriptions`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({
    workflow_id: "big-orders",
    webhook_url: process.env.WEBHOOK_URL,
    event_selector: { event_type: "order.*", cel: "event.amount > 100.0" },
  }),
});
if (!response.ok) throw new Error(await response.text());
const { signing_secret } = await response.json();
console.log(signing_secret);
