import { Environment } from "@marcbachmann/cel-js";
import type { Event } from "../domain/event.ts";
import { Invalid } from "./invalid.ts";

const environment = new Environment({ homogeneousAggregateLiterals: false })
  .registerVariable("event", "map<string, dyn>")
  .registerVariable("event_type", "dyn")
  .registerVariable("event_id", "string")
  .registerVariable("received_at", "google.protobuf.Timestamp");

/** A CEL expression over an event; anything but `true`, errors included, is no match. @throws Invalid */
export function parseCel(text: string): (event: Event) => boolean {
  const { valid, type, error } = environment.check(text);
  if (!valid) {
    const { summary, message, range } = (error ?? {}) as {
      summary?: string;
      message?: string;
      range?: { start: number };
    };
    throw new Invalid({ message: summary ?? message ?? "this is not CEL", position: range?.start ?? 0 });
  }
  if (type !== "bool" && type !== "dyn") throw new Invalid({ message: `the result is ${type}, not bool`, position: 0 });
  const evaluate = environment.parse(text);
  return (event) => {
    try {
      const received_at = new Date(event.received_at);
      return (
        evaluate({ event: event.payload, event_type: event.event_type, event_id: event.event_id, received_at }) === true
      );
    } catch {
      return false;
    }
  };
}
