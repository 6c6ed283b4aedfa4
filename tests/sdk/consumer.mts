import { isTriggersError, Triggers, verify } from "@triggers/sdk";
import { LosslessNumber } from "@triggers/sdk/lossless";

const triggers = new Triggers({ apiKey: "trg_live_x_y", lossless: true });
const one: string = (await triggers.send({ event_type: "a", big: new LosslessNumber("1.5"), n: 5n })).event_id;
const many: string[] = (await triggers.send([{ a: 1 }])).map(({ event_id }) => event_id);
for await (const { event_id, payload, deliveries } of triggers.inbox({ event_type: ["a.*"] })) console.log(event_id, payload, deliveries);
const { days } = await triggers.call("GET", "/retention");
const key = await triggers.call("GET", "/keys/{key_id}", { params: { key_id: "key_1" } }).catch((error: unknown) => {
  if (isTriggersError(error, "rate_limited")) console.log(error.retryAfterMs, error.code satisfies "rate_limited");
});
for await (const { subscription_id } of triggers.list("/subscriptions")) console.log(subscription_id);
await using batch = triggers.batch();
void batch.add({ a: 1 });
const text: string = await verify("", new Headers(), { secrets: ["whsec_"] });
// @ts-expect-error there is no such route
await triggers.call("GET", "/nowhere");
// @ts-expect-error its parameter is missing
await triggers.call("GET", "/events/{id}");
// @ts-expect-error that is no status
triggers.inbox({ status: ["lost"] });
console.log(one, many, days, key, text);
