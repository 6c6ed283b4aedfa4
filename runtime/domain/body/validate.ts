import { type ErrorDetail, TriggersError } from "../errors/errors.ts";
import { MAX_EVENTS_PER_REQUEST } from "../ids.ts";
import { malformed, repeatedName } from "./jsonText.ts";
import { MAX_FAULTS, scan } from "./scan.ts";
import { type SchemaCheck, withinTime } from "./schema.ts";

/** For all events of a request against their schemas. */
const CHECK_TIMEOUT_MS = 250;

/** The events of a valid body. */
export interface ValidBody {
  /** Whether it was an array, whose answer is a list. */
  readonly array: boolean;
  /** Each event's bytes as sent: views on the body. */
  readonly events: readonly Buffer[];
  readonly types: readonly (string | null)[];
}

/** The schema check of an event type, undefined when the type has none. */
export type Schemas = (eventType: string) => SchemaCheck | undefined;

/** A body with the faults of its single events, for a rehearsal. */
export interface ReviewedBody extends ValidBody {
  /** At most 100; those of an array, and all that break a schema, carry `index`. */
  readonly faults: readonly ErrorDetail[];
}

/** @throws TriggersError when the body as a whole is wrong: `invalid_json`, `invalid_event` (empty), `too_many_events` */
export function scanBody(body: Buffer): ReviewedBody {
  const scanned = scan(body);
  if (scanned.kind === "malformed") throw malformed(scanned, body);
  const { array, count, events, faults } = scanned;
  if (count === 0) throw new TriggersError("invalid_event", "The array is empty; send 1 to 1,000 events.");
  if (count > MAX_EVENTS_PER_REQUEST) {
    const message = `The array holds ${count.toLocaleString("en")} events; 1,000 are allowed in one request.`;
    throw new TriggersError("too_many_events", message);
  }
  return {
    array,
    events: events.map(({ start, end }) => body.subarray(start, end)),
    types: events.map(({ type }) => type),
    faults,
  };
}

/** The same events with what their schemas say of them, too. */
export function reviewEvents(scanned: ReviewedBody, schemas: Schemas): ReviewedBody {
  const faults = [...scanned.faults];
  checkSchemas(scanned, schemas, faults);
  return { ...scanned, faults: faults.sort((a, b) => (a.index ?? 0) - (b.index ?? 0)) };
}

/** An event and a schema whose bytes multiply to this are compared in some milliseconds, in the worst case. */
const SMALL = 4_000_000;

/** Adds what is wrong with the events that are well-formed and of a type with a schema. */
function checkSchemas({ events, types }: ValidBody, schemas: Schemas, faults: ErrorDetail[]): void {
  const faulty = new Set(faults.map(({ index }) => index ?? 0));
  const checks = types.map((type, i) => (type === null || faulty.has(i) ? undefined : schemas(type)));
  const add = (index: number, path: string, message: string) => {
    if (faults.length < MAX_FAULTS) faults.push({ index, path, code: "schema_violation", message });
  };
  let at = 0;
  const run = () => {
    for (; at < events.length && faults.length < MAX_FAULTS; at += 1) {
      for (const { path, message } of checks[at]?.faults(events[at]!) ?? []) add(at, path, message);
    }
  };
  const work = checks.reduce((sum, check, i) => sum + (check === undefined ? 0 : check.bytes * events[i]!.length), 0);
  if (work <= SMALL && !checks.some((check) => check?.costly)) run();
  else if (!withinTime(CHECK_TIMEOUT_MS, run)) {
    add(at, "", `The event could not be checked against its schema within ${CHECK_TIMEOUT_MS} ms.`);
  }
}

/** The events of a body, before their schemas are asked. All or nothing. @throws TriggersError with up to 100 details */
export function readEvents(body: Buffer): ValidBody {
  const scanned = scanBody(body);
  if (scanned.faults.length > 0) throw rejection(scanned);
  return scanned;
}

/** @throws TriggersError `schema_violation` with up to 100 details when an event breaks the schema of its type */
export function checkTypes(body: ValidBody, schemas: Schemas): void {
  const faults: ErrorDetail[] = [];
  checkSchemas(body, schemas, faults);
  if (faults.length > 0) throw rejection({ ...body, faults });
}

/** Which fault names the whole answer; each keeps its own code in `details`. */
const PRECEDENCE = ["invalid_json", "invalid_event", "schema_violation"] as const;

/** The one fault of a request, as a sentence. What a schema says of an event is half of one. */
function sentence(fault: ErrorDetail): string {
  const { code, path, message } = fault;
  if (code === "invalid_json") return repeatedName(fault);
  if (code !== "schema_violation" || !message.endsWith(")")) return message;
  return `The event breaks the schema of its type${path === "" ? "" : ` at ${path}`}: ${message}.`;
}

function rejection({ array, events, faults }: ReviewedBody): TriggersError {
  const code = PRECEDENCE.find((each) => faults.some((fault) => fault.code === each))!;
  if (!array && faults.length === 1) return new TriggersError(code, sentence(faults[0]!), { details: faults });
  const bad = new Set(faults.map(({ index }) => index)).size;
  const more = faults.length === MAX_FAULTS ? ", the first 100 faults are in `details`" : "";
  const message = array
    ? `${bad} of ${events.length} events ${bad === 1 ? "is" : "are"} not valid; none was accepted${more}.`
    : `The event is not valid in ${faults.length} places${more}.`;
  return new TriggersError(code, message, { details: faults });
}
