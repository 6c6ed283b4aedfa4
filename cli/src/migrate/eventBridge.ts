import { ALL, type Converted, converted, literal, NoCounterpart, onEach, present } from "./converted.ts";
import { entriesOf } from "./list.ts";

/**
 * Rules of one event bus with their targets, as the AWS command line gives them: `list-rules`, `list-targets-by-rule` for each, and
 * `list-api-destinations` for the addresses.
 */
interface Export {
  readonly Rules: readonly Rule[];
  /** By the rule's name, or in the rules themselves. */
  readonly Targets?: Readonly<Record<string, readonly Target[]>>;
  readonly ApiDestinations?: readonly {
    readonly ApiDestinationArn: string;
    readonly InvocationEndpoint: string;
    readonly HttpMethod?: string;
    readonly InvocationRateLimitPerSecond?: number;
  }[];
}

interface Rule {
  readonly Name: string;
  readonly Description?: string;
  readonly State?: string;
  readonly EventPattern?: string;
  readonly ScheduleExpression?: string;
  readonly EventBusName?: string;
  readonly Targets?: readonly Target[];
}

interface Target {
  readonly Id: string;
  readonly Arn: string;
  readonly Input?: string;
  readonly InputPath?: string;
  readonly InputTransformer?: unknown;
  readonly HttpParameters?: {
    readonly HeaderParameters?: Readonly<Record<string, string>>;
    readonly PathParameterValues?: readonly string[];
    readonly QueryStringParameters?: Readonly<Record<string, string>>;
  };
}

type Scalar = string | number | boolean | null;
const isScalar = (value: unknown): value is Scalar => value === null || typeof value !== "object";
const scalar = (value: Scalar): string =>
  typeof value === "number" && Number.isInteger(value) ? `${value}.0` : literal(value);
const isText = (value: unknown): value is string => typeof value === "string";
/** The pattern's own comparisons, as CEL writes them. */
const NUMERIC: Readonly<Record<string, string>> = { "=": "==", ">": ">", ">=": ">=", "<": "<", "<=": "<=" };

/** RE2 for a wildcard: an asterisk is any text, and a backslash takes away what a character means. */
function wildcard(text: string): string {
  let regex = "";
  for (let at = 0; at < text.length; at += 1) {
    const escaped = text[at] === "\\" && (text[at + 1] === "*" || text[at + 1] === "\\");
    if (escaped) at += 1;
    regex += !escaped && text[at] === "*" ? "(?s:.*)" : text[at]!.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  }
  return `^${regex}$`;
}

/** A matcher on a value, as a condition that is never an error. */
function matcher(value: string, kind: string, operand: unknown): string {
  const text = `type(${value}) == string`;
  if (kind === "prefix" && isText(operand)) return `(${text} && ${value}.startsWith(${literal(operand)}))`;
  if (kind === "suffix" && isText(operand)) return `(${text} && ${value}.endsWith(${literal(operand)}))`;
  if (kind === "equals-ignore-case" && isText(operand))
    return `(${text} && ${value}.matches(${literal(`^(?i:${operand.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")})$`)}))`;
  if (kind === "wildcard" && isText(operand)) return `(${text} && ${value}.matches(${literal(wildcard(operand))}))`;
  if (kind === "numeric" && Array.isArray(operand)) {
    const parts: string[] = [];
    for (let at = 0; at < operand.length; at += 2) {
      const sign = NUMERIC[operand[at] as string];
      if (sign === undefined || typeof operand[at + 1] !== "number")
        throw new NoCounterpart(`numeric ${JSON.stringify(operand)}`);
      parts.push(`${value} ${sign} ${scalar(operand[at + 1])}`);
    }
    return `(type(${value}) == double && ${parts.join(" && ")})`;
  }
  throw new NoCounterpart(`the matcher ${kind} with ${JSON.stringify(operand)}`);
}

/** That no value is one of those: over a list, none of its values. */
function anythingBut(path: readonly string[], operand: unknown): string {
  const against = (value: string): string => {
    if (isScalar(operand)) return `${value} == ${scalar(operand)}`;
    if (Array.isArray(operand)) {
      if (!operand.every(isScalar)) throw new NoCounterpart(`anything-but ${JSON.stringify(operand)}`);
      return `${value} in [${operand.map(scalar).join(", ")}]`;
    }
    return Object.entries(operand as Record<string, unknown>)
      .flatMap(([kind, texts]) => [texts].flat().map((text) => matcher(value, kind, text)))
      .join(" || ");
  };
  // It needs the member to be there, as EventBridge does.
  return `(${present(path)} && !${onEach(path, (value) => `(${against(value)})`)})`;
}

function leaf(path: readonly string[], matchers: readonly unknown[]): string {
  const parts = matchers.map((one) => {
    if (isScalar(one)) return `(${present(path)} && ${onEach(path, (value) => `${value} == ${scalar(one)}`)})`;
    const [[kind, operand] = [], ...more] = Object.entries(one as Record<string, unknown>);
    if (kind === undefined || more.length > 0) throw new NoCounterpart(`the matcher ${JSON.stringify(one)}`);
    if (kind === "exists") return operand === true ? `(${present(path)})` : `!(${present(path)})`;
    if (kind === "anything-but") return anythingBut(path, operand);
    return `(${present(path)} && ${onEach(path, (value) => matcher(value, kind, operand))})`;
  });
  return parts.length === 1 ? parts[0]! : `(${parts.join(" || ")})`;
}

function pattern(path: readonly string[], node: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(node).map(([name, inner]) => {
    if (name === "$or" && Array.isArray(inner))
      return `(${inner.map((one) => pattern(path, one as Record<string, unknown>)).join(" || ")})`;
    if (Array.isArray(inner)) return leaf([...path, name], inner);
    return pattern([...path, name], inner as Record<string, unknown>);
  });
  return parts.length === 1 ? parts[0]! : `(${parts.join(" && ")})`;
}

/** @returns CEL over an event that is EventBridge's own, envelope included @throws NoCounterpart */
export const celOfPattern = (node: Readonly<Record<string, unknown>>): string => pattern([], node);

/** Types that a pattern names outright are the selector's; the rest of it is CEL. */
function selectorOf(node: Readonly<Record<string, unknown>>) {
  const { "detail-type": types, ...rest } = node;
  const named = Array.isArray(types) && types.length > 0 && types.every((one) => isText(one) && !one.includes("*"));
  const others = named ? rest : node;
  const empty = Object.keys(others).length === 0;
  if (!named && empty) return ALL;
  return {
    ...(named ? { event_type: types.length === 1 ? types[0] : types } : {}),
    ...(empty ? {} : { cel: celOfPattern(others) }),
  };
}

const shape = {
  product: "EventBridge",
  entries: "rules",
  member: "Rules",
  needs: ["Name"],
  guide: "moving-from-eventbridge",
};

/** One subscription a target: each has its own address. @throws CommandError for what is no export */
export function fromEventBridge(input: unknown): Converted[] {
  const rules = entriesOf<Rule>(input, shape);
  const { Targets = {}, ApiDestinations = [] } = input as Partial<Export>;
  const destinations = new Map(ApiDestinations.map((one) => [one.ApiDestinationArn, one]));
  return rules.flatMap((rule): Converted[] => {
    const targets = rule.Targets ?? Targets[rule.Name] ?? [];
    const bare: Target = { Id: "", Arn: "" };
    return (targets.length === 0 ? [bare] : targets).map((target) => {
      const not: string[] = [];
      const differs = [
        "send what PutEvents got as one event, with event_type beside it: the value of detail-type",
        "posts are arrays of events, signed by Standard Webhooks; attempts go on for 24 hours",
      ];
      const destination = destinations.get(target.Arn);
      if (rule.ScheduleExpression !== undefined)
        not.push(`it runs by the clock (${rule.ScheduleExpression}); nothing here does`);
      if (target.Arn === "") not.push("it has no target in the export");
      else if (destination === undefined) {
        const service = target.Arn.split(":")[2] ?? target.Arn;
        not.push(
          `its target is of ${service}: put an HTTPS endpoint in front of it, or name its API destination in ApiDestinations`,
        );
      }
      if (destination?.HttpMethod !== undefined && destination.HttpMethod !== "POST")
        not.push(`it is called by ${destination.HttpMethod}; here by POST alone`);
      if (target.Input !== undefined || target.InputPath !== undefined || target.InputTransformer !== undefined)
        not.push(
          "its input is made by Input, InputPath or InputTransformer; here a transform extracts, renames and omits members",
        );
      const { HeaderParameters, PathParameterValues = [], QueryStringParameters } = target.HttpParameters ?? {};
      if (PathParameterValues.length > 0 || QueryStringParameters !== undefined) not.push("its address has parameters");
      if (destination !== undefined)
        differs.push('its connection\'s authorization is not in the export: set it by "headers"');
      let selector: unknown = ALL;
      try {
        if (rule.EventPattern !== undefined) {
          const node = JSON.parse(rule.EventPattern) as Record<string, unknown>;
          selector = selectorOf(node);
          if (typeof selector === "object" && "cel" in selector!)
            differs.push("a list of objects on the way to a member is not looked into");
        }
      } catch (error) {
        if (!(error instanceof NoCounterpart)) throw error;
        not.push(`its pattern has ${error.message}`);
      }
      return converted(
        target.Id === "" ? rule.Name : `${rule.Name}/${target.Id}`,
        {
          workflow_id: rule.Description || rule.Name,
          webhook_url: destination?.InvocationEndpoint ?? "",
          event_selector: selector as string,
          ...(HeaderParameters === undefined ? {} : { headers: { ...HeaderParameters } }),
        },
        { disabled: rule.State === "DISABLED", not, differs },
      );
    });
  });
}
