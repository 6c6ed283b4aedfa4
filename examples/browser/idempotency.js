// Sends an event from a web page until the platform has answered for it: a repeat under the same key makes no second event.
const order = { event_type: "order.created", order_id: "A-1003", amount: 75 };
const key = crypto.randomUUID(); // one key for all tries of this event

async function send(attempt = 0) {
  const response = await fetch(`${TRIGGERS_URL}/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${TRIGGERS_API_KEY}`,
      "content-type": "application/json",
      "idempotency-key": key,
    },
    body: JSON.stringify(order),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined);
  if (response?.ok) return response.json();
  // 4xx other than these says that the request itself is wrong: a repeat would be refused again.
  if (attempt === 5 || (response?.status < 500 && ![409, 429].includes(response.status)))
    throw new Error(response ? await response.text() : "no answer came");
  await new Promise((resolve) => setTimeout(resolve, 1_000 * 2 ** attempt));
  return send(attempt + 1);
}
send().then((answer) => console.log(answer));
