import { ALL, type Converted, converted, literal, member, NoCounterpart, onEach, present } from "./converted.ts";
import { entriesOf } from "./list.ts";

/** One connection, as `GET /connections` of Hookdeck lists it. */
interface Connection {
  readonly id: string;
  readonly name?: string | null;
  readonly full_name?: string | null;
  readonly source: { readonly name: string };
  readonly destination: {
    readonly name: string;
    readonly type?: string;
    /** Before version 2025-01-01 of its API; since then in `config`. */
    readonly url?: string | null;
    readonly config?: {
      readonly url?: string | null;
      readonly rate_limit?: number | null;
      readonly rate_limit_period?: string | null;
      readonly auth_type?: string | null;
      readonly http_method?: string | null;
    };
  };
  readonly rules?: readonly Rule[] | null;
  readonly paused_at?: string | null;
  readonly disabled_at?: string | null;
}

interface Rule {
  readonly type: string;
  readonly body?: unknown;
  readonly headers?: unknown;
  readonly path?: unknown;
  readonly query?: unknown;
}

type Scalar = string | number | boolean | null;
const isScalar = (value: unknown): value is Scalar =>
  value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";

const COMPARED: Readonly<Record<string, string>> = { $gt: ">", $gte: ">=", $lt: "<", $lte: "<=" };
const TEXT: Readonly<Record<string, string>> = { $startsWith: "startsWith", $endsWith: "endsWith" };

const all = (parts: readonly string[]): string => (parts.length === 0 ? "true" : parts.join(" && "));

/** A number compared with a number, a text with a text: nothing else compares in either language. */
const number = (value: unknown): string => {
  if (typeof value !== "number")
    throw new NoCounterpart(`a comparison with ${JSON.stringify(value)}, which is no number`);
  // CEL compares a double with a double.
  return Number.isInteger(value) ? `${value}.0` : String(value);
};

/** One operator on the value at a path. */
function operator(path: readonly string[], name: string, operand: unknown): string {
  const here = present(path);
  const value = member(path);
  if (name === "$eq") return condition(path, operand);
  if (name === "$neq") return `!(${condition(path, operand)})`;
  if (name === "$not") return `!(${condition(path, operand)})`;
  if (name === "$exist") return operand === true ? `(${here})` : `!(${here})`;
  if (name === "$or" && Array.isArray(operand)) return `(${operand.map((one) => condition(path, one)).join(" || ")})`;
  if (name === "$and" && Array.isArray(operand)) return `(${all(operand.map((one) => condition(path, one)))})`;
  const compared = COMPARED[name];
  if (compared !== undefined) return `(${here} && ${onEach(path, (v) => `${v} ${compared} ${number(operand)}`)})`;
  const text = TEXT[name];
  if (text !== undefined && typeof operand === "string")
    return `(${here} && ${onEach(path, (v) => `string(${v}).${text}(${literal(operand)})`)})`;
  if ((name === "$in" || name === "$nin") && Array.isArray(operand) && operand.every(isScalar)) {
    const inside = `(${here} && ${onEach(path, (v) => `${v} in [${operand.map(literal).join(", ")}]`)})`;
    return name === "$in" ? inside : `!${inside}`;
  }
  if (name === "$in" && typeof operand === "string")
    return `(${here} && (type(${value}) == list ? ${literal(operand)} in ${value} : string(${value}).contains(${literal(operand)})))`;
  throw new NoCounterpart(`the operator ${name} with ${JSON.stringify(operand)}`);
}

/** A filter of Hookdeck on what is at a path, as a condition of CEL that is never an error. */
function condition(path: readonly string[], filter: unknown): string {
  if (isScalar(filter)) {
    const wanted = typeof filter === "number" ? number(filter) : literal(filter);
    return path.length === 0
      ? `event == ${wanted}`
      : `(${present(path)} && ${onEach(path, (v) => `${v} == ${wanted}`)})`;
  }
  if (Array.isArray(filter)) {
    if (!filter.every(isScalar)) throw new NoCounterpart("a list that holds objects or lists");
    const value = member(path);
    return `(${present(path)} && type(${value}) == list && ${all(filter.map((one) => `${literal(one)} in ${value}`))})`;
  }
  const parts = Object.entries(filter as Record<string, unknown>).map(([name, inner]) => {
    if (name.startsWith("$")) return operator(path, name, inner);
    return condition([...path, name], inner);
  });
  return parts.length === 1 ? parts[0]! : `(${all(parts)})`;
}

/** @returns CEL @throws NoCounterpart */
export const celOfFilter = (filter: unknown): string => condition([], filter);

const shape = {
  product: "Hookdeck",
  entries: "connections",
  member: "models",
  needs: ["id", "source", "destination"],
  guide: "moving-from-hookdeck",
};

/** @param input a page of the list, with its connections in `models`, or the bare list @throws CommandError for anything else */
export function fromHookdeck(input: unknown): Converted[] {
  const connections = entriesOf<Connection>(input, shape);
  return connections.map((connection) => {
    const { source, destination, rules, paused_at, disabled_at } = connection;
    const { config = {} } = destination;
    const url = config.url ?? destination.url;
    const not: string[] = [];
    const differs = [
      `its events are those of the source ${source.name}: send them to POST /events, and tell the source by the key or by a member`,
      "posts are signed by Standard Webhooks, in place of x-hookdeck-signature",
    ];
    if (!url) not.push(`its destination ${destination.name} has no URL (${destination.type ?? "another type"})`);
    if (config.http_method && config.http_method !== "POST")
      not.push(`it is called by ${config.http_method}; here by POST alone`);
    if (config.auth_type && config.auth_type !== "HOOKDECK_SIGNATURE")
      differs.push(`its authentication ${config.auth_type} is not in the export: set it by "headers"`);
    if (config.rate_limit)
      differs.push(
        `at most ${config.rate_limit} a ${config.rate_limit_period ?? "second"} there; here the endpoint itself says 429 or 503 with Retry-After`,
      );
    const conditions: string[] = [];
    for (const rule of rules ?? []) {
      if (rule.type === "filter") {
        const others = (["headers", "path", "query"] as const).filter((part) => rule[part] != null);
        if (others.length > 0)
          not.push(`it filters by ${others.join(", ")} of the request; here only the event counts`);
        try {
          if (rule.body != null) conditions.push(celOfFilter(rule.body));
        } catch (error) {
          if (!(error instanceof NoCounterpart)) throw error;
          not.push(`its filter has ${error.message}`);
        }
      } else if (rule.type === "retry")
        differs.push("its own schedule of retries; here attempts go on for 24 hours, then it is a dead letter");
      else if (rule.type === "transform")
        not.push("its payload is changed by JavaScript; here a transform extracts, renames and omits members");
      else not.push(`it has a rule ${rule.type}`);
    }
    if (conditions.length > 0) differs.push("a list of objects on the way to a member is not looked into");
    return converted(
      connection.id,
      {
        workflow_id: connection.full_name ?? connection.name ?? connection.id,
        webhook_url: url ?? "",
        event_selector: conditions.length === 0 ? ALL : { cel: conditions.join(" && ") },
        // Hookdeck forwards a request's body as it came.
        format: "payload",
        max_batch: 1,
      },
      { disabled: Boolean(paused_at ?? disabled_at), not, differs },
    );
  });
}
