// Runs a selector over recorded events before it is saved: what matches, and why the others do not.
const response = await fetch(`${process.env.TRIGGERS_URL}/subscriptions/rehearse`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ event_selector: { event_type: "order.*", cel: "event.amount > 100.0" } }),
});
console.log(await response.text());
if (!response.ok) process.exitCode = 1;
