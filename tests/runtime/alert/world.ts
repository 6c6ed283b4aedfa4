/** What the alert function reaches, with the counters of one table and a clock of the test's own. */
import type { MessagePorts } from "../../../runtime/alert/deliverMessages.ts";
import type { TickPorts } from "../../../runtime/alert/tick.ts";
import type { Dynamodb } from "../../../runtime/aws/clients.ts";
import type { Service } from "../../../runtime/aws/service.ts";
import { activeMinutes } from "../../../runtime/counters/active.ts";
import type { Tenant } from "../../../runtime/domain/identity/identity.ts";
import type { UsageFact } from "../../../runtime/domain/usage/fact.ts";

interface Reached {
  readonly service: Service;
  now(): number;
}

/** For the evaluation of rules: nobody watches, and no cause is suspected. */
export function tickPorts(dynamodb: Dynamodb, { service, now }: Reached): TickPorts {
  const counters = { dynamodb, name: "metrics" };
  const active = activeMinutes(counters, now);
  return {
    ...{ log: () => undefined, now, service, active },
    tell: async () => undefined,
    reader: {
      ...{ counters, now, minuteShards: active.shards, workflows: async () => new Map() },
      cube: { ask: () => Promise.reject(new Error("unused")) },
    },
    rules: new Map(),
    suspect: async () => null,
  };
}

/** For sending messages to webhooks and as events. */
export const messagePorts = (
  { service, now }: Reached,
  sending: Pick<MessagePorts, "post" | "tell">,
): MessagePorts => ({
  ...{ log: () => undefined, now, service },
  ...{ ses: {} as never, sms: {} as never, mailFrom: "", smsFrom: "" },
  ...sending,
});

/** An attempt to deliver one event. */
export const attempt = (tenant: Tenant, at: number, outcome: "delivered" | "failed"): UsageFact => ({
  kind: "attempted",
  tenant,
  at,
  subscription_id: "sub_01JDGXS7G0ABCDEFGHJKMNPQRT",
  outcome,
  error: outcome === "failed" ? "http_5xx" : null,
  latency_ms: 5,
  parts: [{ types: ["a"] }],
});
