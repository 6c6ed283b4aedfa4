import { at, listAt, type Rule, refersTo } from "./rule.ts";

/** Accepted events are kept for their retention time, survive a mistake, and are deleted afterwards. */

const available = ["SOC 2 A1.2", "GDPR Art. 32(1)(b)"];
const restorable = ["SOC 2 A1.2", "GDPR Art. 32(1)(c)"];
const storageLimitation = ["GDPR Art. 5(1)(e)"];

const database = "aws:rds/instance:Instance";
const table = "aws:dynamodb/table:Table";

export const durability: readonly Rule[] = [
  {
    name: "data-protected",
    description: "Pulumi refuses to delete resources that hold data.",
    severity: "high",
    remedy: "Set `triggers:protect: true` in the stack file.",
    serves: available,
    subjects: [
      "aws:dynamodb/table:Table",
      "aws:kms/key:Key",
      "aws:rds/instance:Instance",
      "aws:s3/bucket:Bucket",
      "aws:secretsmanager/secret:Secret",
      "aws:sqs/queue:Queue",
    ],
    evidence: ["protect"],
    check: ({ protect }) => (protect ? undefined : "the resource is not protected"),
  },
  {
    name: "table-deletion-protection",
    description: "AWS refuses to delete a table.",
    severity: "high",
    remedy: "Set `triggers:protect: true` in the stack file.",
    serves: ["FSBP DynamoDB.6", ...available],
    subjects: [table],
    evidence: ["deletionProtectionEnabled"],
    check: ({ props }) => (props.deletionProtectionEnabled === true ? undefined : "the table can be deleted"),
  },
  {
    name: "people-deletion-protection",
    description: "AWS refuses to delete the people who may sign in.",
    severity: "high",
    remedy: "Set `triggers:protect: true` in the stack file.",
    serves: [...available],
    subjects: ["aws:cognito/userPool:UserPool"],
    evidence: ["deletionProtection"],
    check: ({ props }) => (props.deletionProtection === "ACTIVE" ? undefined : "the user pool can be deleted"),
  },
  {
    name: "table-restorable",
    description: "Every table can be restored to any second of the last 35 days.",
    severity: "high",
    remedy: "Set `pointInTimeRecovery.enabled: true`, for replicas too.",
    serves: ["FSBP DynamoDB.2", ...restorable],
    subjects: [table],
    evidence: ["pointInTimeRecovery.enabled"],
    check: ({ props }) => {
      if (at(props, "pointInTimeRecovery.enabled") !== true) return "point-in-time recovery is off";
      const off = listAt(props, "replicas").filter(({ pointInTimeRecovery }) => pointInTimeRecovery !== true);
      return off.length === 0
        ? undefined
        : `point-in-time recovery is off in ${off.map(({ regionName }) => regionName).join(", ")}`;
    },
  },
  {
    name: "database-deletion-protection",
    description: "AWS refuses to delete the database, and a deletion leaves a last snapshot.",
    severity: "high",
    remedy: "Set `triggers:protect: true` in the stack file.",
    serves: ["FSBP RDS.8", ...available],
    subjects: [database],
    evidence: ["deletionProtection", "skipFinalSnapshot"],
    check: ({ props }) => {
      if (props.deletionProtection !== true) return "the database can be deleted";
      return props.skipFinalSnapshot === false ? undefined : "no snapshot would be left";
    },
  },
  {
    name: "database-backups",
    description: "The database can be restored to any second of the last week at least.",
    severity: "high",
    remedy: "Set `triggers:backupDays` to 7 or more.",
    serves: ["FSBP RDS.11", ...restorable],
    subjects: [database],
    evidence: ["backupRetentionPeriod"],
    check: ({ props }) =>
      Number(props.backupRetentionPeriod ?? 0) >= 7
        ? undefined
        : `backups are kept ${String(props.backupRetentionPeriod ?? 0)} days`,
  },
  {
    name: "database-multi-az",
    description: "The database has a standby in another availability zone.",
    severity: "medium",
    remedy: "Set `triggers:multiAz: true`.",
    serves: ["FSBP RDS.5", ...available],
    subjects: [database],
    evidence: ["multiAz"],
    check: ({ props }) => (props.multiAz === true ? undefined : "the database has no standby"),
  },
  {
    name: "cache-multi-az",
    description: "The cache has a replica in another availability zone and fails over by itself.",
    severity: "medium",
    remedy: "Set `triggers:multiAz: true`.",
    serves: ["FSBP ElastiCache.3", ...available],
    subjects: ["aws:elasticache/replicationGroup:ReplicationGroup"],
    evidence: ["multiAzEnabled", "automaticFailoverEnabled", "numCacheClusters"],
    check: ({ props }) =>
      props.multiAzEnabled === true && props.automaticFailoverEnabled === true && Number(props.numCacheClusters) >= 2
        ? undefined
        : "the cache has no replica to fail over to",
  },
  {
    name: "data-in-backup-plan",
    description: "Database and tables are in the backup plan; what expires has point-in-time recovery and the archive.",
    severity: "high",
    remedy: "Name the resource in the selection of Backups.",
    serves: ["FSBP DynamoDB.4", "FSBP RDS.26", ...restorable],
    subjects: [database, table],
    evidence: ["arn"],
    wholeStack: true,
    check: (subject, stack) =>
      at(subject.props, "ttl.enabled") === true ||
      stack.of("aws:backup/selection:Selection").some((selection) => refersTo(selection, "resources", subject))
        ? undefined
        : "no backup plan selects it",
  },
  {
    name: "vault-locked",
    description: "No backup can be deleted within its first week.",
    severity: "medium",
    remedy: "Set `triggers:protect: true` in the stack file.",
    serves: ["SOC 2 CC6.1", ...restorable],
    subjects: ["aws:backup/vault:Vault"],
    evidence: ["name"],
    wholeStack: true,
    check: (vault, stack) => {
      const lock = stack
        .of("aws:backup/vaultLockConfiguration:VaultLockConfiguration")
        .find((one) => refersTo(one, "backupVaultName", vault));
      if (lock === undefined) return "backups can be deleted";
      return Number(lock.props.minRetentionDays ?? 0) >= 7
        ? undefined
        : `backups can be deleted after ${String(lock.props.minRetentionDays ?? 0)} days`;
    },
  },
  {
    name: "bucket-ages",
    description: "Every bucket has rules for what grows old.",
    severity: "medium",
    remedy: "Give DataBucket its `ageing`.",
    serves: ["FSBP S3.13", ...storageLimitation],
    subjects: ["aws:s3/bucket:Bucket"],
    evidence: ["bucket"],
    wholeStack: true,
    check: (bucket, stack) =>
      stack
        .of("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
        .some((one) => refersTo(one, "bucket", bucket) && listAt(one.props, "rules").length >= 2)
        ? undefined
        : "objects stay for ever as they are",
  },
  {
    name: "erasure-is-real",
    description: "No bucket of events keeps older versions: erased events are gone.",
    severity: "high",
    remedy: "Set the versioning status to `Disabled`.",
    serves: ["GDPR Art. 17"],
    subjects: ["aws:s3/bucketVersioning:BucketVersioning"],
    evidence: ["versioningConfiguration.status"],
    check: ({ name, props }) =>
      name === "audit-versioning" || at(props, "versioningConfiguration.status") === "Disabled"
        ? undefined
        : "older versions of objects are kept",
  },
  {
    name: "audit-locked",
    description: "Nobody, the account's owner included, can change or delete an archived access record for a year.",
    severity: "high",
    remedy: "Set `triggers:auditLockDays` to 365 or more.",
    serves: ["FSBP S3.15", "SOC 2 CC7.2"],
    subjects: ["aws:s3/bucket:Bucket"],
    evidence: ["objectLockEnabled"],
    wholeStack: true,
    check: (bucket, stack) => {
      if (bucket.name !== "audit-bucket") return undefined;
      const locked = stack
        .of("aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration")
        .some(
          (one) =>
            refersTo(one, "bucket", bucket) &&
            at(one.props, "rule.defaultRetention.mode") === "COMPLIANCE" &&
            Number(at(one.props, "rule.defaultRetention.days") ?? 0) >= 365,
        );
      return bucket.props.objectLockEnabled === true && locked ? undefined : "its objects are not locked for a year";
    },
  },
  {
    name: "events-expire",
    description: "Stored events leave the table by themselves when their retention is over.",
    severity: "medium",
    remedy: "Give DataTable its `expiry`.",
    serves: storageLimitation,
    subjects: [table],
    evidence: ["ttl"],
    check: ({ name, props }) =>
      name === "keys-table" || at(props, "ttl.enabled") === true ? undefined : "items stay for ever",
  },
  {
    name: "log-retention",
    description: "Every log group says how long it keeps its lines.",
    severity: "medium",
    remedy: "Set `retentionInDays`.",
    serves: ["FSBP CloudWatch.16", ...storageLimitation],
    subjects: ["aws:cloudwatch/logGroup:LogGroup"],
    evidence: ["retentionInDays"],
    check: ({ props }) => (Number(props.retentionInDays ?? 0) > 0 ? undefined : "lines stay for ever"),
  },
  {
    name: "secret-recoverable",
    description: "A deleted secret can be rescued for a month.",
    severity: "medium",
    remedy: "Set `recoveryWindowInDays: 30`.",
    serves: available,
    subjects: ["aws:secretsmanager/secret:Secret"],
    evidence: ["recoveryWindowInDays"],
    check: ({ props }) =>
      props.recoveryWindowInDays === 30 ? undefined : "a deletion takes effect in less than 30 days",
  },
  {
    name: "nothing-forced",
    description: "No resource may be deleted together with what it holds.",
    severity: "high",
    remedy: "Remove `forceDestroy`: emptying a store is a step of its own.",
    serves: available,
    subjects: ["aws:s3/bucket:Bucket", "aws:backup/vault:Vault", "aws:athena/workgroup:Workgroup"],
    evidence: ["forceDestroy"],
    check: ({ props }) => (props.forceDestroy === true ? "`forceDestroy` is set" : undefined),
  },
];
