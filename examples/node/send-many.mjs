// Sends up to 1,000 events in one request: all are taken, or none.
const events = [
  { event_type: "order.created", order_id: "A-1002", amount: 20 },
  { event_type: "order.paid", order_id: "A-1002", amount: 20 },
];
const response = await fetch(`${process.env.TRIGGERS_URL}/events`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify(events),
});
console.log(await response.text());
if (!response.ok) process.exitCode = 1;
