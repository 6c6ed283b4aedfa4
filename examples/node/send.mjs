// Sends one event. The answer names it: it is stored.
const response = await fetch(`${process.env.TRIGGERS_URL}/events`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ event_type: "order.created", order_id: "A-1001", amount: 129.5 }),
});
console.log(await response.text());
if (!response.ok) process.exitCode = 1;
