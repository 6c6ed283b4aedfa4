import { at, isOwnKey, listAt, type Props, type Resource, type Rule, refersTo, type Severity } from "./rule.ts";

/** Encryption at rest with keys that the account itself holds, for everything that keeps data. */

const atRest = ["SOC 2 CC6.1", "GDPR Art. 32(1)(a)"];

/** What else has to hold of the arguments, so that the key is used at all; the message says what is wrong. */
type Besides = (props: Props) => string | undefined;

/** That a switch is on: AWS and the provider accept a key beside a switch that is off, and then encrypt without it. */
const on =
  (argument: string): Besides =>
  (props) =>
    at(props, argument) === true ? undefined : `\`${argument}\` is not set, so that the key isn't used`;

const all =
  (...checks: readonly Besides[]): Besides =>
  (props) =>
    checks.map((check) => check(props)).find((problem) => problem !== undefined);

/** A rule that one argument of one type names a customer-managed key, and that the key is used. */
const keyed = (
  name: string,
  what: string,
  type: string,
  argument: string,
  {
    serves = [],
    severity = "high",
    evidence = [],
    besides = () => undefined,
  }: {
    readonly serves?: readonly string[];
    readonly severity?: Severity;
    readonly evidence?: readonly string[];
    readonly besides?: Besides;
  } = {},
): Rule => ({
  name,
  description: `${what} is encrypted with a customer-managed key.`,
  severity,
  remedy: `Set \`${argument}\` to the ARN of an EncryptionKey of this purpose${evidence.length === 0 ? "" : `, and ${evidence.map((other) => `\`${other}\``).join(", ")} so that it is used`}.`,
  serves: [...serves, ...atRest],
  subjects: [type],
  evidence: [argument, ...evidence],
  check: ({ props }) =>
    isOwnKey(at(props, argument)) ? besides(props) : `\`${argument}\` names no customer-managed key`,
});

/** A rule that every copy of a resource in another region has a key of that region. */
const replicasKeyed = (name: string, what: string, type: string, key: string, region: string): Rule => ({
  name,
  description: `Every replica of a ${what} is encrypted with a customer-managed key of its region.`,
  severity: "high",
  remedy: "Give each of `replicas` the ARN of the key's replica in that region.",
  serves: atRest,
  subjects: [type],
  evidence: ["replicas"],
  check: ({ props }) => {
    const bare = listAt(props, "replicas").filter(
      (replica) => !isOwnKey(replica[key]) || !String(replica[key]).includes(`:${String(replica[region])}:`),
    );
    return bare.length === 0
      ? undefined
      : `replicas without a key of their region: ${bare.map((replica) => replica[region]).join(", ")}`;
  },
});

const bucketEncryption = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
const rds = "aws:rds/instance:Instance";
const stream = "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream";
const table = "aws:dynamodb/table:Table";
const secret = "aws:secretsmanager/secret:Secret";

const workgroup = "aws:athena/workgroup:Workgroup";
const results = "configuration.resultConfiguration.encryptionConfiguration";

export const encryption: readonly Rule[] = [
  keyed("queue-own-key", "Every queue", "aws:sqs/queue:Queue", "kmsMasterKeyId", {
    serves: ["FSBP SQS.1"],
    besides: ({ sqsManagedSseEnabled }) =>
      sqsManagedSseEnabled === true ? "`sqsManagedSseEnabled` takes a key of SQS's own" : undefined,
  }),
  keyed("topic-own-key", "Every topic", "aws:sns/topic:Topic", "kmsMasterKeyId", { serves: ["FSBP SNS.1"] }),
  keyed("log-group-own-key", "Every log group", "aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"),
  keyed("secret-own-key", "Every secret", secret, "kmsKeyId"),
  replicasKeyed("secret-replica-own-key", "secret", secret, "kmsKeyId", "region"),
  keyed("vault-own-key", "Every backup", "aws:backup/vault:Vault", "kmsKeyArn", { serves: ["FSBP Backup.1"] }),
  keyed("schedule-own-key", "Every schedule", "aws:scheduler/schedule:Schedule", "kmsKeyArn", { severity: "medium" }),
  keyed("table-own-key", "Every table", table, "serverSideEncryption.kmsKeyArn", {
    evidence: ["serverSideEncryption.enabled"],
    besides: on("serverSideEncryption.enabled"),
  }),
  replicasKeyed("table-replica-own-key", "table", table, "kmsKeyArn", "regionName"),
  keyed("database-own-key", "The database", rds, "kmsKeyId", {
    serves: ["FSBP RDS.3", "CIS AWS 3.0 2.3.1"],
    evidence: ["storageEncrypted"],
    besides: on("storageEncrypted"),
  }),
  keyed("database-password-own-key", "The database's master password", rds, "masterUserSecretKmsKeyId", {
    evidence: ["manageMasterUserPassword"],
    besides: all(on("manageMasterUserPassword"), ({ password, passwordWo }) =>
      password === undefined && passwordWo === undefined ? undefined : "the program itself sets the password",
    ),
  }),
  keyed("database-insights-own-key", "What Performance Insights records", rds, "performanceInsightsKmsKeyId"),
  keyed("cache-own-key", "The cache", "aws:elasticache/replicationGroup:ReplicationGroup", "kmsKeyId", {
    serves: ["FSBP ElastiCache.4"],
    evidence: ["atRestEncryptionEnabled"],
    besides: on("atRestEncryptionEnabled"),
  }),
  keyed("stream-own-key", "Every stream", stream, "serverSideEncryption.keyArn", {
    serves: ["FSBP DataFirehose.1"],
    evidence: ["serverSideEncryption.enabled", "serverSideEncryption.keyType"],
    besides: all(on("serverSideEncryption.enabled"), (props) =>
      at(props, "serverSideEncryption.keyType") === "CUSTOMER_MANAGED_CMK"
        ? undefined
        : "`serverSideEncryption.keyType` takes a key of AWS's own",
    ),
  }),
  keyed("stream-target-own-key", "What a stream writes", stream, "extendedS3Configuration.kmsKeyArn", {
    evidence: ["destination"],
    besides: all(
      ({ destination }) => (destination === "extended_s3" ? undefined : "`destination` is not S3 as configured here"),
      (props) => {
        const copies = at(props, "extendedS3Configuration.s3BackupConfiguration") as Props | undefined;
        return copies === undefined || isOwnKey(copies.kmsKeyArn)
          ? undefined
          : "`extendedS3Configuration.s3BackupConfiguration.kmsKeyArn` names no customer-managed key";
      },
    ),
  }),
  keyed("query-results-own-key", "The result of a query in SQL", workgroup, `${results}.kmsKeyArn`, {
    serves: ["FSBP Athena.1"],
    evidence: [`${results}.encryptionOption`, "configuration.enforceWorkgroupConfiguration"],
    besides: all(on("configuration.enforceWorkgroupConfiguration"), (props) =>
      at(props, `${results}.encryptionOption`) === "SSE_KMS"
        ? undefined
        : `\`${results}.encryptionOption\` takes a key of AWS's own`,
    ),
  }),
  {
    name: "function-settings-own-key",
    description: "The environment of every function is encrypted with a customer-managed key.",
    severity: "medium",
    remedy: "Pass `kmsKeyArn`, as Handler does.",
    serves: atRest,
    subjects: ["aws:lambda/function:Function"],
    evidence: ["kmsKeyArn"],
    check: ({ props }) =>
      props.environment === undefined || isOwnKey(props.kmsKeyArn)
        ? undefined
        : "`kmsKeyArn` names no customer-managed key though the function has an environment",
  },
  {
    name: "bucket-own-key",
    description: "Every bucket encrypts what it receives with a customer-managed key.",
    severity: "high",
    remedy: "Create buckets through DataBucket with a `key`.",
    serves: ["FSBP S3.17", ...atRest],
    subjects: ["aws:s3/bucket:Bucket"],
    evidence: ["bucket"],
    wholeStack: true,
    check: (bucket, stack) => {
      if (bucket.props.serverSideEncryptionConfiguration !== undefined)
        return "the bucket has an encryption of its own beside the configuration";
      const settings = stack.of(bucketEncryption).filter((one) => refersTo(one, "bucket", bucket));
      if (settings.length === 0) return "no encryption is configured for the bucket";
      const rules = settings.flatMap(({ props }) => listAt(props, "rules"));
      const keyedWith = (rule: Props) => at(rule, "applyServerSideEncryptionByDefault") as Props | undefined;
      return rules.length > 0 &&
        rules.every((rule) => keyedWith(rule)?.sseAlgorithm === "aws:kms" && isOwnKey(keyedWith(rule)?.kmsMasterKeyId))
        ? undefined
        : "objects are not encrypted with a customer-managed key";
    },
  },
  {
    name: "key-rotates",
    description: "Every key rotates each year.",
    severity: "medium",
    remedy: "Set `enableKeyRotation: true`, and no `rotationPeriodInDays` above 365.",
    serves: ["FSBP KMS.4", "CIS AWS 3.0 3.6", "SOC 2 CC6.1"],
    subjects: ["aws:kms/key:Key"],
    evidence: ["enableKeyRotation", "rotationPeriodInDays"],
    check: ({ props }) => {
      if (props.enableKeyRotation !== true) return "the key does not rotate";
      return Number(props.rotationPeriodInDays ?? 365) <= 365 ? undefined : "the key rotates less often than each year";
    },
  },
  {
    name: "key-waits-before-deletion",
    description: "A key can be rescued for 30 days after somebody deleted it.",
    severity: "high",
    remedy: "Set `deletionWindowInDays: 30`.",
    serves: ["FSBP KMS.3", "SOC 2 A1.2"],
    subjects: ["aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey"],
    evidence: ["deletionWindowInDays"],
    check: ({ props }) =>
      props.deletionWindowInDays === 30 ? undefined : "a deletion takes effect in less than 30 days",
  },
  {
    name: "key-of-one-purpose",
    description: "One key serves one kind of data, so that withdrawing it makes nothing else unreadable.",
    severity: "medium",
    remedy: "Give each component an EncryptionKey of its own.",
    serves: ["SOC 2 CC6.1"],
    subjects: ["aws:kms/key:Key"],
    evidence: ["description"],
    wholeStack: true,
    check: (key, stack) => {
      const kinds = new Set(
        stack.resources
          .flatMap((resource) => holding(resource).map((argument) => [resource, argument] as const))
          .filter(([resource, argument]) => refersTo(resource, argument, key))
          .map(([resource]) => resource.type),
      );
      return kinds.size <= 1 ? undefined : `the key serves ${[...kinds].sort().join(" and ")}`;
    },
  },
];

/** Arguments that name the key of data at rest, for types that hold different kinds of data. */
const holders: Readonly<Record<string, readonly string[]>> = {
  "aws:sqs/queue:Queue": ["kmsMasterKeyId"],
  "aws:dynamodb/table:Table": ["serverSideEncryption"],
  "aws:secretsmanager/secret:Secret": ["kmsKeyId"],
  "aws:rds/instance:Instance": ["kmsKeyId"],
  [bucketEncryption]: ["rules"],
  "aws:sns/topic:Topic": ["kmsMasterKeyId"],
  "aws:elasticache/replicationGroup:ReplicationGroup": ["kmsKeyId"],
  "aws:cloudwatch/logGroup:LogGroup": ["kmsKeyId"],
};
const holding = ({ type }: Resource): readonly string[] => holders[type] ?? [];
