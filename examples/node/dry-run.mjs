// Says who would receive an event, and exactly what, without storing or sending it.
const response = await fetch(`${process.env.TRIGGERS_URL}/events/dry-run`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ event_type: "order.created", order_id: "A-1001", amount: 40 }),
});
console.log(await response.text());
if (!response.ok) process.exitCode = 1;
