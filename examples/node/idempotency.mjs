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
  if (response.ok) return { text };
  // 4xx other than these says that the request itself is wrong: a repeat would be refused again.
  if (response.status < 500 && ![409, 429].includes(response.status)) {
    console.error(text);
    process.exit(1);
  }
  return { retryAfter: response.headers.get("retry-after") };
}

let answer;
for (let attempt = 0; attempt < 5 && answer === undefined; attempt += 1) {
  const { text, retryAfter } = await send().catch(() => ({}));
  answer = text;
  if (answer === undefined) await setTimeout(1_000 * Number(retryAfter ?? 2 ** attempt));
}
if (answer === undefined) throw new Error("the event may be stored or not: send it again under the same key");
console.log(answer);
