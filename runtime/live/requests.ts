import { z } from "zod";
import { alertStates } from "../domain/alerts/alert.ts";
import { severities } from "../domain/alerts/kinds.ts";
import { TriggersError } from "../domain/errors/errors.ts";
import { detailsOf, inWords } from "../domain/errors/issues.ts";
import { deliveryStatuses, eventStatuses } from "../domain/event.ts";
import { type Ulid, ulidIn } from "../domain/ids.ts";
import { readJson } from "../domain/json.ts";
import { type Channel, channels, type LiveAlert, type LiveDelivery, type LiveEvent } from "../domain/live.ts";
import { MetricsQuery } from "../domain/metrics/query.ts";
import { parseTypePattern } from "../matching/eventType.ts";

/** What a client says over its socket, and what its filters let through. Pure. */

const MAX_VALUES = 100;

/** One value, or a list of them. */
const some = <V extends z.ZodType>(value: V) =>
  z.union([value.transform((one) => [one]), z.array(value).min(1).max(MAX_VALUES)]);

const Type = z
  .string()
  .nullable()
  .superRefine((text, refine) => {
    if (text === null) return;
    try {
      parseTypePattern(text);
    } catch (thrown) {
      refine.addIssue({ code: "custom", message: (thrown as Error).message });
    }
  });
const Text = z.string().min(1).max(1_024);

/** What each channel can be narrowed to; a list lets any of its values through, and every member has to hold. */
const filters = {
  metrics: MetricsQuery.shape.filter.unwrap(),
  events: z.strictObject({
    event_type: some(Type).optional(),
    status: some(z.enum(eventStatuses)).optional(),
    key_id: some(Text).optional(),
  }),
  deliveries: z.strictObject({
    event_type: some(Type).optional(),
    subscription_id: some(Text).optional(),
    status: some(z.enum(deliveryStatuses)).optional(),
    error: some(Text.nullable()).optional(),
  }),
  alerts: z.strictObject({
    severity: some(z.enum(severities)).optional(),
    state: some(z.enum(alertStates)).optional(),
    rule_id: some(Text).optional(),
  }),
} as const satisfies Record<Channel, z.ZodType>;

export type Filter<C extends Channel> = z.output<(typeof filters)[C]>;

export type ClientMessage =
  | {
      readonly kind: "subscribe";
      readonly channel: Channel;
      readonly filter: Readonly<Record<string, unknown>>;
      readonly after?: Ulid;
    }
  | { readonly kind: "unsubscribe"; readonly channel: Channel };

const wrong = (message: string, path: string, what: string) =>
  new TriggersError("invalid_request", message, { details: [{ path, message: what }] });

const FORM =
  'a message is {"subscribe": "<channel>", "filter"?: {…}, "after"?: "evt_…"} or {"unsubscribe": "<channel>"}';
const named = channels.map((channel) => `"${channel}"`).join(", ");

function channelOf(value: unknown, path: string): Channel {
  if (channels.includes(value as Channel)) return value as Channel;
  throw wrong("The message names no channel.", path, `must be one of ${named}`);
}

/** @throws TriggersError `invalid_json`, `invalid_request` with what is wrong and what is allowed */
export function readMessage(text: string): ClientMessage {
  let value: unknown;
  try {
    value = readJson(text);
  } catch (cause) {
    throw new TriggersError("invalid_json", `The message is not valid JSON: ${(cause as Error).message}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong("The message is no JSON object.", "", FORM);
  const { subscribe, unsubscribe, filter, after, ...rest } = value as Record<string, unknown>;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw wrong("The message is not valid.", `/${unknown}`, `is not known here: ${FORM}`);
  if ((subscribe === undefined) === (unsubscribe === undefined)) throw wrong("The message is not valid.", "", FORM);
  if (unsubscribe !== undefined) {
    if (filter !== undefined || after !== undefined) throw wrong("The message is not valid.", "", FORM);
    return { kind: "unsubscribe", channel: channelOf(unsubscribe, "/unsubscribe") };
  }
  const channel = channelOf(subscribe, "/subscribe");
  const read = filters[channel].safeParse(filter ?? {}, { error: inWords });
  if (!read.success) {
    const details = detailsOf(read.error, ["filter"]);
    const allowed = Object.keys(filters[channel].shape).join(", ");
    throw new TriggersError("invalid_request", `The filter is not valid: "${channel}" takes ${allowed}.`, { details });
  }
  if (after === undefined) return { kind: "subscribe", channel, filter: read.data };
  if (channel !== "events" && channel !== "deliveries")
    throw wrong("The message is not valid.", "/after", 'belongs to "events" and "deliveries"');
  const ulid = typeof after === "string" ? ulidIn("evt", after) : undefined;
  if (ulid === undefined) throw wrong("The message is not valid.", "/after", "must be the id of an event: evt_…");
  return { kind: "subscribe", channel, filter: read.data, after: ulid };
}

const among = <V>(allowed: readonly V[] | undefined, value: V): boolean => allowed?.includes(value) ?? true;

function anyType(patterns: readonly (string | null)[] | undefined, types: readonly (string | null)[]): boolean {
  if (patterns === undefined) return true;
  return patterns.some((text) => {
    if (text === null) return types.includes(null);
    const { matches } = parseTypePattern(text);
    return types.some((type) => type !== null && matches(type));
  });
}

export const passesEvent = (filter: Filter<"events">, event: LiveEvent): boolean =>
  anyType(filter.event_type, [event.event_type]) &&
  among(filter.status, event.status) &&
  (filter.key_id === undefined || (event.key_id !== null && filter.key_id.includes(event.key_id)));

export const passesDelivery = (filter: Filter<"deliveries">, delivery: LiveDelivery): boolean =>
  anyType(filter.event_type, delivery.event_types) &&
  among(filter.subscription_id, delivery.subscription_id) &&
  among(filter.status, delivery.status) &&
  among(filter.error, delivery.error);

export const passesAlert = (filter: Filter<"alerts">, alert: LiveAlert): boolean =>
  among(filter.severity, alert.severity) && among(filter.state, alert.state) && among(filter.rule_id, alert.rule_id);
