import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";

/**
 * The platform's configuration: one schema, read once, before any resource is created. A mistake in a stack file
 * (unknown keys, types, ranges, combinations) stops the program with every problem in one list.
 */
/** China, GovCloud and the isolated regions are partitions of their own, where ARNs begin otherwise. Source: AWS Fault Isolation Boundaries, "Partitions". */
const regionName = z
  .string()
  .regex(
    /^(?!cn-|us-gov-|us-iso|eu-iso)[a-z]{2}(-[a-z]+)+-\d$/,
    "must be a region of the partition aws, such as eu-west-1",
  );

/** Where CloudFront has its functions, certificates, logs and metrics, for stacks of every region. */
export const EDGE_REGION = "us-east-1";

/** CloudWatch accepts only these. Source: PutRetentionPolicy, API reference. */
const logRetention = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** `organization/project/stack`, as `pulumi stack ls --all` shows it. */
const stackName = z
  .string()
  .regex(/^[\w.-]+\/[\w.-]+\/[\w.-]+$/, "must be a stack's full name, such as acme/triggers/prod-edge");

const range = (least: number, most: number) => z.number().int().min(least).max(most);

/** An issuer of OpenID Connect. `clientSecret` is a secret of the stack: `pulumi config set --secret --path triggers:signIn.clientSecret`. */
const signIn = z.strictObject({
  issuer: z.url({ protocol: /^https$/, error: "must be a URL that begins with https://" }),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1),
});
export type SignInSettings = z.output<typeof signIn>;

export const settingsSchema = z.strictObject({
  addressLimit: range(10, 2_000_000_000)
    .optional()
    .describe(
      "Requests a minute from one address beyond which AWS WAF refuses it, before a function is spent on it; unset, there is no web ACL. About $0.60 a million requests.",
    ),
  alarmEmail: z.email("must be an e-mail address").optional().describe("Who is mailed when an alarm rings."),
  allowLoopbackWebhooks: z
    .boolean()
    .default(false)
    .describe("Lets webhooks point at this machine. Only the local platform may set it; a deployment refuses."),
  archiveBufferSeconds: range(1, 900)
    .default(300)
    .describe("Longest time in seconds that archived events wait before they are written to S3."),
  auditLockDays: range(0, 36_500)
    .default(365)
    .describe(
      "Days for which archived access records are locked against change and deletion (S3 Object Lock); 0 leaves them unlocked. From or to 0 the bucket is made anew.",
    ),
  availabilityZones: z
    .array(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, "must be a zone's name, such as eu-west-1a"))
    .length(3)
    .refine((zones) => new Set(zones).size === zones.length, "must not name a zone twice")
    .optional()
    .describe(
      "The three availability zones of the network, before the first deployment; unset, the region's first three by name.",
    ),
  backupDays: range(1, 35).default(7).describe("Days that PostgreSQL can be restored to any second of."),
  cacheNodeType: z
    .string()
    .regex(/^cache\.[a-z0-9]+\.[a-z0-9]+$/, "must be a cache node type, such as cache.t4g.small")
    .default("cache.t4g.micro")
    .describe("ElastiCache node type behind rate limits and idempotency keys."),
  certificateArn: z
    .string()
    .regex(/^arn:aws:acm:us-east-1:\d{12}:certificate\/[0-9a-f-]+$/, "must be the ARN of a certificate in us-east-1")
    .optional()
    .describe("ACM certificate, in us-east-1, that covers `domainName`."),
  databaseInstanceClass: z
    .string()
    .regex(/^db\.[a-z0-9]+\.[a-z0-9]+$/, "must be a database instance class, such as db.t4g.medium")
    .default("db.t4g.micro")
    .describe("RDS instance class of the subscription store."),
  databaseStorageGb: range(20, 59_578)
    .default(20)
    .describe(
      "Storage of the subscription store, in GiB, to start with. It grows by itself, up to 65,536: RDS asks for a tenth above what there is.",
    ),
  deliverConcurrency: range(2, 1_000)
    .optional()
    .describe("Most invocations of deliver at once per queue; unset, Lambda's own scaling decides."),
  domainName: z
    .string()
    .regex(/^(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/, "must be a host name in lower case")
    .optional()
    .describe(
      "Host name of the public endpoint. Needed where `protect` is true: without one CloudFront's own name serves, which also speaks TLS 1.0.",
    ),
  edgeLogRegions: z
    .array(regionName)
    .refine((regions) => new Set(regions).size === regions.length, "must not name a region twice")
    .optional()
    .describe(
      "Regions in which the edge function's logs have a key and a retention; in any other region that it runs in, AWS makes a log group with neither. Unset: `keyRegions`.",
    ),
  edgeStack: stackName.optional().describe("Stack of the edge; a `region` and a `standby` name it."),
  eventShards: z
    .array(
      z.strictObject({
        from: z.iso.datetime({ error: "must be a time in UTC, such as 2027-01-31T00:00:00Z" }),
        shards: z.literal([8, 16, 32, 64, 128], "must be 8, 16, 32, 64 or 128"),
        customers: z
          .array(z.string().regex(/^cus_[0-9A-HJKMNP-TV-Z]{26}$/, "must be a customer's id"))
          .min(1)
          .max(40)
          .optional(),
      }),
    )
    .max(10)
    .refine(
      (rules) => rules.every(({ from }, at) => at === 0 || rules[at - 1]!.from < from),
      "must be in the order of time",
    )
    .refine(
      (rules) => JSON.stringify(rules).length <= 1_500,
      "must not exceed 1,500 characters: functions have it in their environment",
    )
    .default([])
    .describe(
      "Partitions of the events table over which customers are spread, each 1,000 writes a second: rules `{ from, shards, customers }` by time, for the customers named or for all; before the first there are 8. A rule begins a day after its deployment at the earliest, and is never changed or taken away once it has.",
    ),
  finalSnapshot: z
    .boolean()
    .default(true)
    .describe(
      "Takes a last snapshot of PostgreSQL when it is deleted, `<project>-<stack>-final`, which outlives the stack.",
    ),
  gradualDeploys: z
    .boolean()
    .default(true)
    .describe("New code gets a tenth of the traffic for five minutes and loses it when an alarm rings (CodeDeploy)."),
  homeStack: stackName
    .optional()
    .describe("Stack of the home region; a `standby` names it, and the `edge` does once it is there."),
  hostLimit: range(1, 1_000_000)
    .default(2_000)
    .describe(
      "Posts a second to one host, by all customers; what is beyond waits. A host that has accepted no post within an hour gets 100.",
    ),
  ingestConcurrency: range(0, 10_000)
    .default(0)
    .describe("Provisioned concurrency of ingest: environments kept warm. 0 keeps none."),
  keyRegions: z
    .array(regionName)
    .min(1)
    .refine((regions) => new Set(regions).size === regions.length, "must not name a region twice")
    .optional()
    .describe(
      "Regions with a replica of the key directory; the edge asks the nearest. Defaults to the stack's region.",
    ),
  logRetentionDays: z
    .number()
    .refine((days) => logRetention.includes(days), `must be one of ${logRetention.join(", ")}`)
    .default(30)
    .describe("Days that logs are kept."),
  mailFrom: z
    .email("must be an e-mail address")
    .optional()
    .describe(
      "Address that alerts and reports are mailed from; SES gets an identity of its domain, and the output `mailDkimTokens` says what its DNS has to hold. Unset, no mail is sent.",
    ),
  monthlyBudgetUsd: range(1, 100_000_000)
    .optional()
    .describe("Monthly bill in USD that rings when it is reached or forecast."),
  multiAz: z.boolean().default(true).describe("Keeps a standby of database and cache in a second availability zone."),
  otlpEndpoint: z
    .url("must be a URL")
    .refine((text) => !/[?#@]/.test(text), "must have no user, query or fragment")
    .optional()
    .describe(
      "Base URL of an OTLP/HTTP receiver to which route and deliver export spans, `/v1/traces` below it; unset, none are made.",
    ),
  pollers: z
    .strictObject({ minimum: range(2, 200), maximum: range(2, 2_000) })
    .refine(({ minimum, maximum }) => minimum <= maximum, "minimum must not be above maximum")
    .optional()
    .describe(
      "Event pollers kept ready on the ingest and delivery queues, `{ minimum, maximum }`; unset, Lambda ramps up.",
    ),
  protect: z.boolean().default(true).describe("Pulumi and AWS refuse to delete resources that hold data."),
  reservedConcurrency: z
    .strictObject({
      ingest: range(1, 100_000).optional(),
      route: range(1, 100_000).optional(),
      deliver: range(1, 100_000).optional(),
      subscriptions: range(1, 100_000).optional(),
    })
    .default({})
    .describe(
      "Concurrency that Lambda keeps for a function, `{ ingest, route, deliver, subscriptions }`, and that it never exceeds. All other functions share the rest of the region's pool, the function at the edge among them.",
    ),
  role: z
    .enum(["all", "edge", "region", "standby"])
    .default("all")
    .describe(
      "What the stack is: `all` of it in one region; or, each a stack of its own, the `edge`, the home `region`, a `standby` region.",
    ),
  routeConcurrency: range(2, 1_000)
    .optional()
    .describe("Most invocations of route at once; unset, Lambda's own scaling decides."),
  signIn: signIn
    .optional()
    .describe(
      "Issuer by which people sign in to the console, with the client's id and secret there; unset, a Cognito user pool is made. Its redirect URI is `<url>/console/session/callback`.",
    ),
  smsFrom: z
    .string()
    .regex(
      /^arn:aws:sms-voice:[a-z0-9-]+:\d{12}:(phone-number|sender-id|pool)\/[\w/-]+$/,
      "must be the ARN of a phone number, a sender id or a pool of AWS End User Messaging",
    )
    .optional()
    .describe(
      "ARN of the number, sender id or pool of AWS End User Messaging that alerts are texted from; unset, no SMS is sent.",
    ),
  standbyStacks: z
    .array(stackName)
    .refine((stacks) => new Set(stacks).size === stacks.length, "must not name a stack twice")
    .default([])
    .describe("Stacks of the standby regions; named by the stack that holds the edge."),
  tableClass: z
    .enum(["STANDARD", "STANDARD_INFREQUENT_ACCESS"])
    .default("STANDARD")
    .describe(
      "Class of the events table. `STANDARD_INFREQUENT_ACCESS` stores for two fifths of the price, and reads and writes for a quarter more: take it where events are kept for 45 days or longer (docs/decisions/stored-bodies.md). It can be changed twice in 30 days.",
    ),
  traceSampleRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Part of the traces begun here that is recorded; a caller's own `traceparent` decides for itself."),
  warmWriteUnits: range(4_000, 1_000_000)
    .optional()
    .describe(
      "Writes of 1 KB a second that the events table and its indexes serve from the first second on; unset, a new table serves 4,000 and doubles in half hours. Billed once, and can't be lowered for the table.",
    ),
});

/** The settings with every default filled in, and the region of the stack. */
export type Settings = Omit<z.output<typeof settingsSchema>, "keyRegions" | "edgeLogRegions"> & {
  readonly region: string;
  readonly keyRegions: readonly string[];
  readonly edgeLogRegions: readonly string[];
  /** Both of `domainName` and `certificateArn`, or neither. */
  readonly domain?: { readonly name: string; readonly certificateArn: string };
};

/** Where the program runs, as far as a combination of settings depends on it. */
export interface Surroundings {
  /** Name of the stack, without organization and project. */
  readonly stack: string;
  readonly region: string | undefined;
  /** True when a Pulumi engine runs the program, that is, for every real preview and deployment. */
  readonly deployed: boolean;
}

/** Spans leave encrypted; only the local platform may hand them to a receiver beside it in the clear. */
const mayExportTo = ({ protocol, hostname }: URL, { deployed }: Surroundings): boolean =>
  protocol === "https:" ||
  (!deployed && protocol === "http:" && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname));

/**
 * Names in AWS are made of the stack's: `triggers-<stack>-database` may have 63 characters, and its last snapshot single hyphens only.
 * Sources: RDS API Reference, CreateDBInstance, DeleteDBInstance; CloudFront API Reference, CreateKeyValueStore.
 */
const stackProblems = (stack: string): string[] =>
  /^(?=.{1,45}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(stack)
    ? []
    : [`the stack's name ${stack}: must be lower-case letters, digits and single hyphens between them, 45 at most`];

type StackNames = Pick<z.output<typeof settingsSchema>, "role" | "edgeStack" | "homeStack" | "standbyStacks">;

/** Which other stacks a role has to name, and which it can't. */
function roleProblems({ role, edgeStack, homeStack, standbyStacks }: StackNames): string[] {
  const problems: string[] = [];
  const within = (key: string, given: boolean, roles: readonly string[], needed: readonly string[]) => {
    if (given && !roles.includes(role)) problems.push(`${key}: has no meaning in the role ${role}`);
    if (!given && needed.includes(role)) problems.push(`${key}: is needed in the role ${role}`);
  };
  within("edgeStack", edgeStack !== undefined, ["region", "standby"], ["region", "standby"]);
  within("homeStack", homeStack !== undefined, ["edge", "standby"], ["standby"]);
  within("standbyStacks", standbyStacks.length > 0, ["all", "edge"], []);
  if (role === "edge" && homeStack === undefined && standbyStacks.length > 0)
    problems.push("standbyStacks: a standby region needs a home region, so name homeStack too");
  return problems;
}

/** CloudFront's own name accepts TLS 1.0 in every distribution. It is only for stacks that need no protection. */
function domainProblems(
  { role, protect, domainName }: Pick<z.output<typeof settingsSchema>, "role" | "protect" | "domainName">,
  { deployed }: Surroundings,
): string[] {
  const publishes = role === "all" || role === "edge";
  if (publishes && protect && domainName === undefined)
    return ["domainName, certificateArn: are needed where protect is true, since CloudFront's own name speaks TLS 1.0"];
  // Source: RFC 2606.
  return deployed &&
    domainName !== undefined &&
    /(^|\.)(example(\.(com|net|org))?|test|invalid|localhost)$/.test(domainName)
    ? [`domainName: ${domainName} is an example's, set your own`]
    : [];
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/**
 * Settings from the raw values of a stack, without their `triggers:` prefix.
 * @throws RunError that lists every problem, each with its key
 */
export function normaliseSettings(raw: Readonly<Record<string, string>>, around: Surroundings): Settings {
  const shape: Record<string, z.ZodType> = settingsSchema.shape;
  // Every value arrives as text: a key whose schema takes text keeps it, any other is read as JSON.
  const values = Object.entries(raw).map(([key, text]) => [
    key,
    shape[key]?.safeParse(text).success ? text : parsed(text),
  ]);
  const result = settingsSchema.safeParse(Object.fromEntries(values));
  const problems = (result.error?.issues ?? []).flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => `${[...issue.path, key].join(".")}: no such setting`)
      : [`${issue.path.join(".")}: ${issue.message}`],
  );
  const { region } = around;
  if (!regionName.safeParse(region).success) problems.push("aws:region: must be set to a region of the partition aws");
  problems.push(...stackProblems(around.stack));
  if (result.data !== undefined) {
    const { allowLoopbackWebhooks, domainName, certificateArn, keyRegions, pollers } = result.data;
    if (result.data.ingestConcurrency > 0 && !result.data.gradualDeploys)
      problems.push("ingestConcurrency: needs gradualDeploys, since only an alias can be kept warm");
    const { reservedConcurrency, ingestConcurrency } = result.data;
    if (reservedConcurrency.ingest !== undefined && reservedConcurrency.ingest < ingestConcurrency)
      problems.push("reservedConcurrency: ingest must not be below ingestConcurrency, which is kept warm out of it");
    for (const name of ["route", "deliver"] as const) {
      const most = result.data[`${name}Concurrency`];
      const kept = reservedConcurrency[name];
      if (most !== undefined && kept !== undefined && kept < most)
        problems.push(
          `reservedConcurrency: ${name} must not be below ${name}Concurrency: messages taken off the queue beyond it are refused`,
        );
    }
    if (pollers !== undefined && (result.data.routeConcurrency ?? result.data.deliverConcurrency) !== undefined)
      problems.push("pollers: can't stand beside routeConcurrency or deliverConcurrency");
    const { otlpEndpoint } = result.data;
    if (otlpEndpoint !== undefined && !mayExportTo(new URL(otlpEndpoint), around))
      problems.push("otlpEndpoint: must begin with https://");
    if (allowLoopbackWebhooks && around.deployed)
      problems.push("allowLoopbackWebhooks: only the local platform may set it, never a deployment");
    problems.push(...roleProblems(result.data));
    if ((domainName === undefined) !== (certificateArn === undefined))
      problems.push("domainName, certificateArn: one needs the other");
    else problems.push(...domainProblems(result.data, around));
    const strangers = (result.data.availabilityZones ?? []).filter((zone) => zone.slice(0, -1) !== region);
    if (strangers.length > 0) problems.push(`availabilityZones: not of the region ${region}: ${strangers.join(", ")}`);
    if (region !== undefined && keyRegions !== undefined && !keyRegions.includes(region))
      problems.push(`keyRegions: must contain the stack's own region, ${region}`);
  }
  // The engine prints a RunError as its message alone, without a stack trace, since the message says it all.
  if (problems.length > 0 || result.data === undefined)
    throw new pulumi.RunError(
      `the stack's configuration has ${problems.length} problem(s):\n  - ${problems.join("\n  - ")}`,
    );
  const { domainName: name, certificateArn, keyRegions = [region!] } = result.data;
  const domain = name !== undefined && certificateArn !== undefined ? { domain: { name, certificateArn } } : {};
  const { edgeLogRegions = keyRegions } = result.data;
  return { ...result.data, region: region!, keyRegions, edgeLogRegions, ...domain };
}

/** The settings of the stack that is running. @throws RunError that lists every problem */
export function readSettings(): Settings {
  const all = pulumi.runtime.allConfig();
  const prefix = `${pulumi.getProject()}:`;
  const own = Object.entries(all).filter(([key]) => key.startsWith(prefix));
  return normaliseSettings(Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])), {
    stack: pulumi.getStack(),
    region: all["aws:region"],
    deployed: pulumi.runtime.getEngine() !== undefined,
  });
}
