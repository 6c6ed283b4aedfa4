import { restsOn, type Verdict } from "./evaluate.ts";
import { at, type Resource, type Severity, stackOf } from "./rule.ts";
import { themes } from "./rules.ts";

/** A compliance report as data: what a reviewer reads, and what a machine compares. */
export interface Report {
  readonly stack: string;
  readonly region: string;
  /** RFC 3339. */
  readonly created_at: string;
  readonly totals: {
    readonly rules: number;
    readonly passed: number;
    readonly failed: number;
    readonly excepted: number;
  };
  readonly themes: readonly {
    readonly theme: string;
    readonly rules: readonly RuleReport[];
  }[];
  /** Rules by the control they serve. */
  readonly controls: Readonly<Record<string, readonly string[]>>;
  readonly not_covered: readonly string[];
}

export interface RuleReport {
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  readonly serves: readonly string[];
  readonly remedy: string;
  readonly subjects: readonly SubjectReport[];
}

export interface SubjectReport {
  readonly resource: string;
  readonly type: string;
  readonly outcome: Verdict["outcome"];
  /** The values that the verdict rests on, by member. */
  readonly evidence: Readonly<Record<string, unknown>>;
  /** Other resources that it rests on, `<type> <name>`. */
  readonly rests_on?: readonly string[];
  readonly message?: string;
  readonly exception?: { readonly reason: string; readonly until: string };
}

/** What no look at declared resources can show. */
const notCovered: readonly string[] = [
  "Who may deploy: people, their second factors, the roles of the deployment pipeline and the protection of its branches.",
  "The account around the stack: root user, organisation policies, CloudTrail, GuardDuty, AWS Config and Security Hub.",
  "Drift: what somebody changes by hand after a deployment. `pulumi preview --refresh` shows it.",
  "The code of the functions: signatures, tenant isolation and erasure have tests of their own in this repository.",
  "What awsx itself does: the network's subnets, routes and tables stand here as its component is known to declare them; a preview with the pack sees the real ones.",
  "Organisation: contracts with processors, training, incident drills, the records of processing of GDPR Art. 30.",
  "AWS's own part of the shared responsibility: see AWS Artifact for its SOC 2 and ISO reports.",
];

/**
 * Where a function at the edge may run, and log: the regions of CloudFront's regional edge caches. Source: CloudFront developer guide,
 * "How CloudFront works with regional edge caches"; CloudFront features, "Global edge network".
 */
const EDGE_REGIONS = [
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-south-1",
  "ap-southeast-1",
  "ap-southeast-2",
  "eu-central-1",
  "eu-west-1",
  "eu-west-2",
  "sa-east-1",
  "us-east-1",
  "us-east-2",
  "us-west-1",
  "us-west-2",
] as const;
const EDGE_LOGS = "/aws/lambda/us-east-1.";

/** The regions in which the edge's logs have a group that nobody declared: AWS makes it, without a key or an end. */
function edgeRegionsWithoutLogs(resources: readonly Resource[], region: string): string[] {
  const groups = resources.filter(
    ({ type, props }) => type === "aws:cloudwatch/logGroup:LogGroup" && String(props.name ?? "").startsWith(EDGE_LOGS),
  );
  if (groups.length === 0) return [];
  const declared = new Set(groups.map(({ props }) => props.region ?? region));
  return EDGE_REGIONS.filter((where) => !declared.has(where));
}

/** `aws:sqs/queue:Queue` as people say it: `sqs Queue`. */
const shortType = (type: string): string => type.replace(/^aws:([^/]+)\/.*:/, "$1 ");

/** A value at a path; of `environment.variables.*` the names alone, since a value may be what has to stay hidden. */
function evidenceAt(resource: Resource, path: string): unknown {
  if (path === "protect") return resource.protect;
  if (!path.endsWith(".*")) return at(resource.props, path);
  return Object.keys((at(resource.props, path.slice(0, -2)) ?? {}) as object).sort();
}

const edgeLogs = (regions: readonly string[]): string =>
  `Logs of the function at the edge in ${regions.join(", ")}: should it run there, AWS makes a log group that has neither our key nor a retention. \`triggers:edgeLogRegions\` declares the groups of more regions.`;

/** @param resources of the stack, which the verdicts are about @param now when the report was made */
export function reportOf(
  stack: string,
  region: string,
  verdicts: readonly Verdict[],
  resources: readonly Resource[],
  now: Date,
): Report {
  const whole = stackOf(resources);
  const count = (outcome: Verdict["outcome"]) => verdicts.filter((verdict) => verdict.outcome === outcome).length;
  const byRule = Map.groupBy(verdicts, ({ rule }) => rule);
  const without = edgeRegionsWithoutLogs(resources, region);
  const controls: Record<string, string[]> = {};
  for (const rule of byRule.keys())
    for (const control of rule.serves) {
      controls[control] ??= [];
      controls[control].push(rule.name);
    }
  return {
    stack,
    region,
    created_at: now.toISOString(),
    totals: { rules: byRule.size, passed: count("passed"), failed: count("failed"), excepted: count("excepted") },
    themes: Object.entries(themes).map(([theme, rules]) => ({
      theme,
      rules: rules.map(({ name, description, severity, serves, remedy, evidence }) => ({
        name,
        description,
        severity,
        serves,
        remedy,
        subjects: [...byRule.entries()]
          .filter(([rule]) => rule.name === name)
          .flatMap(([, found]) => found)
          .map(({ rule, resource, outcome, message, exception }) => ({
            resource: resource.name,
            type: resource.type,
            outcome,
            evidence: Object.fromEntries(evidence.map((path) => [path, evidenceAt(resource, path) ?? null])),
            ...(rule.wholeStack === true
              ? { rests_on: restsOn(rule, resource, whole).map(({ type, name }) => `${shortType(type)} ${name}`) }
              : {}),
            ...(message === undefined ? {} : { message }),
            ...(exception === undefined ? {} : { exception: { reason: exception.reason, until: exception.until } }),
          })),
      })),
    })),
    controls: Object.fromEntries(Object.entries(controls).sort(([a], [b]) => a.localeCompare(b))),
    not_covered: without.length === 0 ? notCovered : [...notCovered, edgeLogs(without)],
  };
}
