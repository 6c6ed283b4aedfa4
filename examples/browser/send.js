// Sends one event from a web page. TRIGGERS_API_KEY is a key made with `allowed_origins`: it works in pages of these
// origins only, and may send events and nothing else, for every visitor can read it.
fetch(`${TRIGGERS_URL}/events`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({ event_type: "order.created", order_id: "A-1001", amount: 129.5 }),
})
  .then((response) => response.json())
  .then((answer) => console.log(answer));
