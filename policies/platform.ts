import { at, listAt, type Resource, type Rule, textAt } from "./rule.ts";

/** Where the platform may run, and on what. */

const transfers = ["GDPR Art. 44"];
const functions = "aws:lambda/function:Function";

/** Resources that must live in us-east-1 for stacks of every region: CloudFront and its parts. */
const globalRegion = "us-east-1";
const belongsToEdge = ({ type, props, name }: Resource): boolean =>
  (type === functions && props.skipDestroy === true) ||
  /^(edge-|access-log)/.test(name) ||
  type.startsWith("aws:cloudwatch/logDelivery");

/** Regions that a deployment may use. Customers' data must not leave the union that their contract names. */
const allowedRegions: readonly string[] = [
  "eu-central-1",
  "eu-north-1",
  "eu-west-1",
  "us-east-1",
  "us-east-2",
  "us-west-2",
];

/** Support of Lambda runtimes ends on these days. Source: Lambda Developer Guide, "Lambda runtimes". */
const runtimeSupport: Readonly<Record<string, string>> = {
  "nodejs22.x": "2027-04-30",
  "nodejs24.x": "2028-04-30",
};

const YEAR_MS = 365 * 86_400_000;

/** What is wrong with running on this runtime on a day, or undefined: its support must last another year. */
export function unsupported(runtime: string, today: Date): string | undefined {
  const until = runtimeSupport[runtime];
  if (until === undefined) return `runtime ${runtime} is not one of ${Object.keys(runtimeSupport).join(", ")}`;
  const lasts = Date.parse(until) - today.getTime() >= YEAR_MS;
  return lasts ? undefined : `support of runtime ${runtime} ends on ${until}`;
}

export const platform: readonly Rule[] = [
  {
    name: "function-on-arm",
    description: "Functions run on arm64, except at the edge, where only x86_64 exists.",
    severity: "low",
    remedy: 'Set `architectures: ["arm64"]`.',
    serves: ["AWS Well-Architected SUS 5"],
    subjects: [functions],
    evidence: ["architectures"],
    check: ({ props }) => {
      const expected = props.skipDestroy === true ? "x86_64" : "arm64";
      return JSON.stringify(props.architectures) === JSON.stringify([expected])
        ? undefined
        : `runs on ${JSON.stringify(props.architectures ?? "the default")}, not on ${expected}`;
    },
  },
  {
    name: "runtime-supported",
    description: "Functions run on a runtime that AWS supports for another year at least.",
    severity: "high",
    remedy: "Set `runtime` to one in `runtimeSupport` with a later day.",
    serves: ["FSBP Lambda.2", "SOC 2 CC7.1"],
    subjects: [functions],
    evidence: ["runtime"],
    check: ({ props }) => unsupported(String(props.runtime), new Date()),
  },
  {
    name: "region-allowed",
    description: "Every resource is in a region on the list.",
    severity: "critical",
    remedy: "Deploy to an allowed region, or add it to `allowedRegions` after a review.",
    serves: transfers,
    subjects: ["*"],
    evidence: ["region"],
    check: ({ props }) =>
      props.region === undefined || allowedRegions.includes(String(props.region))
        ? undefined
        : `${String(props.region)} is not an allowed region`,
  },
  {
    name: "replica-region-allowed",
    description: "Keys and secrets are copied to allowed regions only.",
    severity: "critical",
    remedy: "Remove the region from `triggers:keyRegions`.",
    serves: transfers,
    subjects: ["aws:dynamodb/table:Table", "aws:secretsmanager/secret:Secret"],
    evidence: ["replicas"],
    check: ({ props }) => {
      const regions = listAt(props, "replicas").map(({ regionName, region }) => String(regionName ?? region));
      const outside = regions.filter((region) => !allowedRegions.includes(region));
      return outside.length === 0 ? undefined : `copied to ${outside.join(", ")}`;
    },
  },
  {
    name: "events-stay-in-region",
    description: "Events stay in the region that took them: only key records and peppers are copied elsewhere.",
    severity: "critical",
    remedy: "Remove the replicas: an event's store belongs to one region.",
    serves: transfers,
    subjects: ["aws:dynamodb/table:Table", "aws:s3/bucket:Bucket"],
    evidence: ["replicas"],
    wholeStack: true,
    check: (subject, stack) => {
      if (subject.name !== "keys-table" && listAt(subject.props, "replicas").length > 0)
        return "the table is copied to other regions";
      if (subject.props.replicationConfiguration !== undefined) return "the bucket is copied to another";
      const replication = stack
        .of("aws:s3/bucketReplicationConfig:BucketReplicationConfig")
        .some(({ props }) => props.bucket === subject.props.bucket && subject.type.startsWith("aws:s3/"));
      return replication ? "the bucket is copied to another" : undefined;
    },
  },
  {
    name: "only-edge-outside-region",
    description:
      "Outside the stack's region there is nothing but what CloudFront needs in us-east-1, its permission to call a region's functions, replicas of keys, and log groups of the function at the edge, which logs where it runs.",
    severity: "high",
    remedy: "Leave `region` to the provider.",
    serves: transfers,
    subjects: ["*"],
    evidence: ["region"],
    wholeStack: true,
    check: (subject, stack) => {
      const { region } = subject.props;
      const home = stack.of("pulumi:providers:aws")[0]?.props.region;
      if (region === undefined || region === home || subject.type === "aws:kms/replicaKey:ReplicaKey") return undefined;
      const letsCloudFrontIn =
        subject.type === "aws:lambda/permission:Permission" && subject.props.principal === "cloudfront.amazonaws.com";
      if (letsCloudFrontIn) return undefined;
      // A preview may not know the name yet; then it is judged by what the program calls it.
      const edgeLogs =
        subject.type === "aws:cloudwatch/logGroup:LogGroup" &&
        (/^\/aws\/lambda\/us-east-1\./.test(textAt(subject.props, "name")) ||
          subject.name.startsWith("authenticate-logs-"));
      if (edgeLogs) return undefined;
      return region === globalRegion && belongsToEdge(subject) ? undefined : `declared for ${String(region)} by itself`;
    },
  },
  {
    name: "tagged",
    description: "The provider tags everything with project, stack and owner.",
    severity: "low",
    remedy: "Set `aws:defaultTags` in the stack file with `project`, `stack` and `owner`.",
    serves: ["SOC 2 CC6.1", "AWS Well-Architected COST 3"],
    subjects: ["pulumi:providers:aws"],
    evidence: ["defaultTags"],
    check: ({ props }) => {
      const given = props.defaultTags;
      const tags = typeof given === "string" ? (JSON.parse(given) as Record<string, unknown>) : given;
      const missing = ["project", "stack", "owner"].filter(
        (tag) => at((tags ?? {}) as Record<string, unknown>, `tags.${tag}`) === undefined,
      );
      return missing.length === 0 ? undefined : `tags missing: ${missing.join(", ")}`;
    },
  },
];
