// Registers a JSON Schema for order.created: from now on events of this type that break it are refused.
const schema = {
  type: "object",
  required: ["order_id", "amount"],
  properties: { order_id: { type: "string" }, amount: { type: "number", minimum: 0 } },
};
const response = await fetch(`${process.env.TRIGGERS_URL}/event-types/order.created`, {
  method: "PUT",
  headers: {
    authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify(schema),
});
console.log(await response.text());
if (!response.ok) process.exitCode = 1;
