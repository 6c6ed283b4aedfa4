/** Our own program as the subject of the rules: its prod stack, and the same with one thing broken. */
import { type Configuration, evaluate, type Verdict } from "../../policies/evaluate.ts";
import type { Props, Resource } from "../../policies/rule.ts";
import { exampleConfig, graphOf, resourcesOf } from "../../program/graph.ts";

/** With every part that a setting adds, so that rules about it have a subject. */
const whole = {
  ...exampleConfig("prod"),
  "triggers:alarmEmail": "oncall@example.com",
  "triggers:otlpEndpoint": "https://otlp.example.com",
};
const prod: readonly Resource[] = resourcesOf(await graphOf("prod", whole));

/** Some day within the reign of the exceptions. */
export const today = new Date("2026-11-25T12:00:00Z");

export const resourceOf = (type: string, name: string): Resource => {
  const found = prod.find((resource) => resource.type === type && resource.name === name);
  if (found === undefined) throw new Error(`the program declares no ${type} "${name}"`);
  return found;
};

function replaced(value: unknown, path: readonly string[], by: unknown): unknown {
  const [member, ...rest] = path;
  if (member === undefined) return by;
  if (Array.isArray(value)) return value.map((item, i) => (String(i) === member ? replaced(item, rest, by) : item));
  const members = { ...(value as Record<string, unknown>) };
  const changed = replaced(members[member], rest, by);
  if (changed === undefined) delete members[member];
  else members[member] = changed;
  return members;
}

/** The stack with one argument of one resource replaced; `undefined` takes the argument away. */
export const broken = (type: string, name: string, path: string, by: unknown): readonly Resource[] => {
  const subject = resourceOf(type, name);
  const change =
    path === "protect" ? { protect: by as boolean } : { props: replaced(subject.props, path.split("/"), by) as Props };
  return prod.map((resource) => (resource === subject ? { ...subject, ...change } : resource));
};

/** The stack without one resource. */
export const without = (type: string, name: string): readonly Resource[] => {
  const subject = resourceOf(type, name);
  return prod.filter((resource) => resource !== subject);
};

/** What the rules find, exceptions aside: `rule: message`. */
export const findings = (resources: readonly Resource[], configuration: Configuration): string[] =>
  evaluate("prod", resources, configuration, today)
    .filter(({ outcome }: Verdict) => outcome === "failed")
    .map(({ rule, message }) => `${rule.name}: ${message}`);

export const program = prod;
