/**
 * The rules as a CrossGuard pack: `pulumi preview --policy-pack policies`. Rules about one resource stop it before it is
 * made; rules about the whole stack speak at the end. What is excepted is told as advice with its reason, never hidden.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  PolicyPack,
  type PolicyResource,
  type ReportViolation,
  type ResourceValidationPolicy,
  type StackValidationPolicy,
} from "@pulumi/policy";
import { type Configuration, checkConfiguration, type Exception, exceptionFor, subjectsOf } from "./evaluate.ts";
import { examine, type Props, type Resource, type Rule, stackOf } from "./rule.ts";
import { rules } from "./rules.ts";

const configuration = JSON.parse(readFileSync(join(process.cwd(), "configuration.json"), "utf8")) as Configuration;
checkConfiguration(configuration, new Date());

/** `urn:pulumi:<stack>::<project>::<type>::<name>` */
const stackNameOf = (urn: string): string => urn.split("::")[0]!.split(":").at(-1)!;

interface Seen {
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Record<string, unknown>;
  readonly opts: { readonly protect: boolean };
}

const seen = ({ type, name, urn, props, opts }: Seen): Resource => ({ type, name, urn, props, protect: opts.protect });

const withSources = (resource: PolicyResource): Resource => ({
  ...seen(resource),
  sources: Object.fromEntries(
    Object.entries(resource.propertyDependencies).map(([argument, sources]) => [
      argument,
      sources.map(({ urn }) => urn),
    ]),
  ),
});

/** Exceptions that were reported: each is reported once, for any number of resources. */
const told = new Set<Exception>();

function tell(rule: Rule, resource: Resource, stack: ReturnType<typeof stackOf>, report: ReportViolation): void {
  const finding = examine(rule, resource, stack);
  if (finding === undefined) return;
  const exceptions = configuration.exceptions ?? [];
  const exception = exceptionFor(finding, stackNameOf(resource.urn), exceptions, new Date());
  if (exception === undefined) {
    report(finding.message, resource.urn);
    return;
  }
  if (told.has(exception)) return;
  told.add(exception);
  const whom = exception.resource === "*" ? `${resource.name} and the like` : resource.name;
  console.error(`${rule.name}: ${whom}: excepted until ${exception.until}. ${exception.reason}`);
}

const common = (rule: Rule) => ({
  name: rule.name,
  description: `${rule.description} Serves ${rule.serves.join(", ")}.`,
  severity: rule.severity,
  remediationSteps: rule.remedy,
});

const ofResource = (rule: Rule): ResourceValidationPolicy => ({
  ...common(rule),
  validateResource: (args, report) => {
    if (!rule.subjects.includes("*") && !rule.subjects.includes(args.type)) return;
    const resource = seen({ ...args, props: args.props as Props });
    tell(rule, resource, stackOf([resource]), report);
  },
});

const ofStack = (rule: Rule): StackValidationPolicy => ({
  ...common(rule),
  validateStack: (args, report) => {
    const stack = stackOf(args.resources.map(withSources));
    for (const resource of subjectsOf(rule, stack)) tell(rule, resource, stack, report);
  },
});

new PolicyPack("triggers", {
  description: "What every deployment of Triggers must prove.",
  enforcementLevel: "mandatory",
  policies: rules.map((rule) => (rule.wholeStack === true ? ofStack(rule) : ofResource(rule))),
});
