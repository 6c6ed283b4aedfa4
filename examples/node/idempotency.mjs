// Sends an event until the platform has answered for it: a repeat under the same key makes no second event.
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";

const event = { event_type: "order.created", order_id: "A-1003", amount: 75 };
const key = randomUUID(); // one key for all tries of this event

async function send() {
  const response = await fetch(`${process.env.TRIGGERS_URL}/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,
      "content-type": "application/json",
      "idempotency-key": key,
    },
    body: JSON.stringify(event),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (response.ok) return text;
  // 4xx other than these says that the request itself is wrong: a repeat would be refused again.
  if (response.status < 500 && ![409, 429].includes(response.status)) {
    console.error(text);
    process.exit(1);
  }
  await setTimeout(1_000 * Number(response.headers.get("retry-after") ?? 0));
}

for (let attempt = 0; attempt < 5; attempt += 1) {
  const accepted = await send().catch(() => undefined);
  if (accepted !== undefined) {
    console.log(accepted);
    break;
  }
  await setTimeout(1_000 * 2 ** attempt);
}
