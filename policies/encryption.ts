import { at, isOwnKey, listAt, type Resource, type Rule, refersTo, type Severity } from "./rule.ts";

/** Encryption at rest with keys that the account itself holds, for everything that keeps data. */

const atRest = ["SOC 2 CC6.1", "GDPR Art. 32(1)(a)"];

/** A rule that one argument of one type names a customer-managed key. */
const keyed = (
  name: string,
  what: string,
  type: string,
  argument: string,
  controls: readonly string[] = [],
  severity: Severity = "high",
): Rule => ({
  name,
  description: `${what} is encrypted with a customer-managed key.`,
  severity,
  remedy: `Set \`${argument}\` to the ARN of an EncryptionKey of this purpose.`,
  serves: [...controls, ...atRest],
  subjects: [type],
  evidence: [argument],
  check: ({ props }) => (isOwnKey(at(props, argument)) ? undefined : `\`${argument}\` names no customer-managed key`),
});

const bucketEncryption = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";

export const encryption: readonly Rule[] = [
  keyed("queue-own-key", "Every queue", "aws:sqs/queue:Queue", "kmsMasterKeyId", ["FSBP SQS.1"]),
  keyed("topic-own-key", "Every topic", "aws:sns/topic:Topic", "kmsMasterKeyId", ["FSBP SNS.1"]),
  keyed("log-group-own-key", "Every log group", "aws:cloudwatch/logGroup:LogGroup", "kmsKeyId"),
  keyed("secret-own-key", "Every secret", "aws:secretsmanager/secret:Secret", "kmsKeyId"),
  keyed("vault-own-key", "Every backup", "aws:backup/vault:Vault", "kmsKeyArn", ["FSBP Backup.1"]),
  keyed("schedule-own-key", "Every schedule", "aws:scheduler/schedule:Schedule", "kmsKeyArn", [], "medium"),
  keyed("table-own-key", "Every table", "aws:dynamodb/table:Table", "serverSideEncryption.kmsKeyArn"),
  keyed("database-own-key", "The database", "aws:rds/instance:Instance", "kmsKeyId", [
    "FSBP RDS.3",
    "CIS AWS 3.0 2.3.1",
  ]),
  keyed(
    "database-password-own-key",
    "The database's master password",
    "aws:rds/instance:Instance",
    "masterUserSecretKmsKeyId",
  ),
  keyed(
    "database-insights-own-key",
    "What Performance Insights records",
    "aws:rds/instance:Instance",
    "performanceInsightsKmsKeyId",
  ),
  keyed("cache-own-key", "The cache", "aws:elasticache/replicationGroup:ReplicationGroup", "kmsKeyId", [
    "FSBP ElastiCache.4",
  ]),
  keyed(
    "stream-own-key",
    "Every stream",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    "serverSideEncryption.keyArn",
    ["FSBP DataFirehose.1"],
  ),
  keyed(
    "stream-target-own-key",
    "What a stream writes",
    "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream",
    "extendedS3Configuration.kmsKeyArn",
  ),
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
    name: "table-replica-own-key",
    description: "Every replica of a table is encrypted with a customer-managed key of its region.",
    severity: "high",
    remedy: "Give each of `replicas` the ARN of the key's replica in that region.",
    serves: atRest,
    subjects: ["aws:dynamodb/table:Table"],
    evidence: ["replicas"],
    check: ({ props }) => {
      const bare = listAt(props, "replicas").filter(
        ({ kmsKeyArn, regionName }) => !isOwnKey(kmsKeyArn) || !String(kmsKeyArn).includes(`:${String(regionName)}:`),
      );
      return bare.length === 0
        ? undefined
        : `replicas without a key of their region: ${bare.map(({ regionName }) => regionName).join(", ")}`;
    },
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
      const setting = stack.of(bucketEncryption).find((one) => refersTo(one, "bucket", bucket));
      if (setting === undefined) return "no encryption is configured for the bucket";
      const rule = at(setting.props, "rules.0.applyServerSideEncryptionByDefault") as
        | Record<string, unknown>
        | undefined;
      return rule?.sseAlgorithm === "aws:kms" && isOwnKey(rule.kmsMasterKeyId)
        ? undefined
        : "objects are not encrypted with a customer-managed key";
    },
  },
  {
    name: "key-rotates",
    description: "Every key rotates each year.",
    severity: "medium",
    remedy: "Set `enableKeyRotation: true`.",
    serves: ["FSBP KMS.4", "CIS AWS 3.0 3.6", "SOC 2 CC6.1"],
    subjects: ["aws:kms/key:Key"],
    evidence: ["enableKeyRotation"],
    check: ({ props }) => (props.enableKeyRotation === true ? undefined : "the key does not rotate"),
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
