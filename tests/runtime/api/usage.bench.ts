/** `GET /usage` for 30 days by hour: 720 items, each with 20 event types, 20 subscriptions and 5 keys. */
import { UpdateItemCommand } from "@aws-sdk/client-dynamodb";
import { type UsageFact, usageWriter } from "../../../runtime/domain/usage.ts";
import { startApi } from "../../support/api.ts";

const HOUR = 3_600_000;
const api = await startApi();
const { live } = await api.customer();
const end = Math.floor(api.deps.now() / HOUR) * HOUR;
for (let hour = 0; hour < 720; hour += 1) {
  // A writer an hour, as many environments would be.
  const writer = usageWriter("metrics", (input) => api.deps.dynamodb.send(new UpdateItemCommand(input)), `w${hour}`);
  const at = end - hour * HOUR;
  const types = Array.from({ length: 20 }, (_, i) => `order.type${i}`);
  const facts = Array.from(
    { length: 5 },
    (_, i): UsageFact => ({
      kind: "accepted",
      tenant: live.customer_id,
      at,
      routed_at: at,
      key_id: `key_${i}`,
      events: types.map((type) => ({ type, bytes: 1_000 })),
    }),
  );
  const attempts = Array.from(
    { length: 60 },
    (_, i): UsageFact => ({
      kind: "attempted",
      tenant: live.customer_id,
      at,
      subscription_id: `sub_${i % 20}`,
      outcome: "delivered",
      latency_ms: 5 + ((i * 37) % 400),
      types: [types[i % 20]!],
    }),
  );
  await writer.write([...facts, ...attempts]);
}
const range = `from=${new Date(end - 719 * HOUR).toISOString()}&to=${new Date(end + HOUR).toISOString()}&interval=hour`;
for (const group of ["", "&group_by=event_type", "&group_by=subscription", "&group_by=key"]) {
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < 6; i += 1) {
    const at = performance.now();
    const { body } = await api.call(live, "GET", `/usage?${range}${group}`);
    times.push(performance.now() - at);
    bytes = JSON.stringify(body).length;
  }
  times.sort((a, b) => a - b);
  console.log(
    `${(group || "not grouped").replace("&group_by=", "by ").padEnd(18)} ${(bytes / 1_024).toFixed(0).padStart(5)} KB  median ${times[3]!.toFixed(0)} ms, worst ${times[5]!.toFixed(0)} ms`,
  );
}
await api.close();
