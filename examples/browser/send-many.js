// Sends up to 1,000 events in one request: all are taken, or none.
const orders = [
  { event_type: "order.created", order_id: "A-1002", amount: 20 },
  { event_type: "order.paid", order_id: "A-1002", amount: 20 },
];
fetch(`${TRIGGERS_URL}/events`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify(orders),
})
  .then((response) => response.json())
  .then((answer) => console.log(answer));
