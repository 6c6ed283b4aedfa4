import { examine, type Finding, type Resource, type Rule, refersTo, type Stack, stackOf } from "./rule.ts";
import { rules } from "./rules.ts";

/** How the rules are applied in a stack: which count, and what is let pass, why and until when. */
export interface Exception {
  readonly rule: string;
  /** Name of the resource; `*` for all subjects of the rule. */
  readonly resource: string;
  /** Stack it holds for; left out, all. */
  readonly stack?: string;
  readonly reason: string;
  /** Day after which the finding counts again, `2027-03-31`. */
  readonly until: string;
}

/** No rule can be switched off: what is let pass has a reason and an end, and stands in the report. */
export interface Configuration {
  readonly exceptions?: readonly Exception[];
}

/** What became of one rule for one resource. */
export interface Verdict {
  readonly rule: Rule;
  readonly resource: Resource;
  readonly outcome: "passed" | "failed" | "excepted";
  readonly message?: string;
  readonly exception?: Exception;
}

const longest = 366 * 86_400_000;

/** @throws Error listing every exception without a reason, with a name nobody knows, or an end more than a year away */
export function checkConfiguration(configuration: Configuration, now: Date): void {
  const known = new Set(rules.map(({ name }) => name));
  const problems = (configuration.exceptions ?? []).flatMap(({ rule, resource, reason, until }) => {
    const where = `exception of ${rule} for ${resource}`;
    const end = Date.parse(until);
    return [
      ...(known.has(rule) ? [] : [`${where}: no such rule`]),
      ...(reason.trim().length < 20 ? [`${where}: the reason is missing or too short to be one`] : []),
      ...(Number.isNaN(end) ? [`${where}: \`until\` is not a day`] : []),
      ...(end - now.getTime() > longest ? [`${where}: ends more than a year from now`] : []),
    ];
  });
  const others = Object.keys(configuration).filter((member) => member !== "exceptions");
  problems.push(...others.map((member) => `${member}: there are exceptions alone`));
  if (problems.length > 0) throw new Error(`the policies' configuration is wrong:\n  - ${problems.join("\n  - ")}`);
}

/** The exception that covers a finding on this day, if any. */
export function exceptionFor(
  finding: Pick<Finding, "rule" | "resource">,
  stack: string,
  exceptions: readonly Exception[],
  now: Date,
): Exception | undefined {
  return exceptions.find(
    (one) =>
      one.rule === finding.rule.name &&
      (one.resource === "*" || one.resource === finding.resource.name) &&
      (one.stack === undefined || one.stack === stack) &&
      now.getTime() <= Date.parse(`${one.until}T23:59:59Z`),
  );
}

export const subjectsOf = (rule: Rule, stack: Stack): readonly Resource[] =>
  rule.subjects.includes("*") ? stack.resources : rule.subjects.flatMap((type) => stack.of(type));

/** Every rule over every subject, in the rules' order. @param name of the stack, for its exceptions */
export function evaluate(
  name: string,
  resources: readonly Resource[],
  configuration: Configuration,
  now: Date,
): readonly Verdict[] {
  const stack = stackOf(resources);
  const { exceptions = [] } = configuration;
  return rules.flatMap((rule) =>
    subjectsOf(rule, stack).map((resource): Verdict => {
      const finding = examine(rule, resource, stack);
      if (finding === undefined) return { rule, resource, outcome: "passed" };
      const exception = exceptionFor(finding, name, exceptions, now);
      const { message } = finding;
      return exception === undefined
        ? { rule, resource, outcome: "failed", message }
        : { rule, resource, outcome: "excepted", message, exception };
    }),
  );
}

/** The other resources that a verdict rests on: of the types that the rule asks for, those that speak of the subject or that it speaks of. */
export function restsOn(rule: Rule, subject: Resource, stack: Stack): readonly Resource[] {
  if (rule.wholeStack !== true) return [];
  const asked = new Set<string>();
  rule.check(subject, {
    resources: stack.resources,
    of(type) {
      asked.add(type);
      return stack.of(type);
    },
  });
  const speaks = (one: Resource, of: Resource) =>
    Object.keys(one.props).some((argument) => refersTo(one, argument, of));
  return [...asked]
    .flatMap((type) => stack.of(type))
    .filter((one) => one !== subject && (speaks(one, subject) || speaks(subject, one)));
}
