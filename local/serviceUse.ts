import { keyUse } from "./keyUse.ts";
import type { Authorization, Inputs } from "./service.ts";

/**
 * What AWS services do with other resources for the sake of one that is declared, in their own name or in that of a role. AWS finds out
 * when they first try, some as the resource is created and some without a word weeks later; here the start stops and says so.
 * Calls that a role makes itself are judged by the gateway, and those of schedules and streams as they are made.
 */
export interface Use extends Authorization {
  /** A service's principal, the ARN of a role, or the account, whose policies the key's own policy has to let decide. */
  readonly by: { readonly service: string } | { readonly role: string } | { readonly account: true };
}

/** A resource as declared, with its outputs. */
export interface Seen {
  readonly type: string;
  readonly inputs: Inputs;
  readonly outputs: Inputs;
  readonly region: string;
}

/** A call that carries no encryption context, so a statement with a condition on the context does not allow it. */
const DESCRIBE = "kms:DescribeKey";

/** Source: CloudWatch Logs user guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service", step 2. */
const BY_LOGS = [
  "kms:Encrypt",
  "kms:Decrypt",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
];
/**
 * The role that writes to an encrypted log group, beside the service itself. Source: the same page, step 3; AWS's managed policy
 * CloudWatchLogsAPIKeyAccess asks for these two only.
 */
const BY_WRITER = ["kms:Decrypt", "kms:GenerateDataKey"];
/** Source: SNS developer guide, "Enable compatibility between event sources from AWS services and encrypted topics". */
const BY_PUBLISHER = ["kms:Decrypt", "kms:GenerateDataKey"];
/**
 * A store that encrypts by itself takes a grant when it is created, with the rights of the role that creates it. Sources: DynamoDB, RDS, ElastiCache and
 * Secrets Manager guides on encryption at rest; AWS Backup guide, "Encryption for backups"; Firehose guide, "Data protection".
 */
const BY_STORE = [
  "kms:CreateGrant",
  "kms:Decrypt",
  DESCRIBE,
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
];
/** Source: KMS developer guide, "Multi-Region keys", permissions to replicate and to synchronise. */
const BY_REPLICA = ["kms:ReplicateKey", "kms:SynchronizeMultiRegionKey"];

/** Where each type of store names its keys. */
const STORES: Readonly<Record<string, readonly string[]>> = {
  "aws:backup/vault:Vault": ["kmsKeyArn"],
  "aws:dynamodb/table:Table": ["serverSideEncryption.kmsKeyArn", "replicas.*.kmsKeyArn"],
  "aws:elasticache/replicationGroup:ReplicationGroup": ["kmsKeyId"],
  "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": ["serverSideEncryption.keyArn"],
  "aws:rds/instance:Instance": ["kmsKeyId", "performanceInsightsKmsKeyId", "masterUserSecretKmsKeyId"],
  "aws:secretsmanager/secret:Secret": ["kmsKeyId", "replicas.*.kmsKeyId"],
};

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];

/** Every text at a path, `*` standing for the members of a list. */
function at(inputs: unknown, path: string): string[] {
  let values: unknown[] = [inputs];
  for (const member of path.split("."))
    values = values.flatMap((value) =>
      member === "*" ? (Array.isArray(value) ? value : []) : [(value as Inputs | undefined)?.[member]],
    );
  return values.filter((value) => text(value) !== undefined) as string[];
}

const allOf = (actions: readonly string[], resource: string, by: Use["by"], context: Use["context"] = {}): Use[] =>
  actions.map((action) => ({ action, resources: [resource], context, by }));

/** Remembers what is declared, since a service's rights depend on what else there is. */
export class Landscape {
  /** Key by ARN, or by name for log groups, of what it encrypts. */
  readonly #keys = new Map<string, string>();
  readonly #logGroups = new Map<string, string>();
  /** Role by function. */
  readonly #roles = new Map<string, string>();
  readonly #account: string;

  constructor(account: string) {
    this.#account = account;
  }

  /** Takes a resource into account from now on. */
  note({ type, inputs, outputs, region }: Seen): void {
    const remember = (what: unknown, key: unknown): void => {
      if (text(what) !== undefined && text(key) !== undefined) this.#keys.set(String(what), String(key));
    };
    if (type === "aws:cloudwatch/logGroup:LogGroup") {
      this.#logGroups.set(`${region} ${String(outputs.name)}`, String(outputs.arn));
      remember(outputs.arn, inputs.kmsKeyId);
    } else if (type === "aws:lambda/function:Function") this.#roles.set(String(outputs.name), String(inputs.role));
    else if (type === "aws:sns/topic:Topic") remember(outputs.arn, inputs.kmsMasterKeyId);
    else if (type === "aws:rds/instance:Instance") {
      const [secret] = at(outputs, "masterUserSecrets.*.secretArn");
      remember(secret, inputs.masterUserSecretKmsKeyId);
    } else if (type === "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration") {
      const [key] = at(inputs, "rules.*.applyServerSideEncryptionByDefault.kmsMasterKeyId");
      remember(`arn:aws:s3:::${String(inputs.bucket)}`, key);
    }
  }

  /** An action that a service takes for a resource. */
  usesOf(seen: Seen): Use[] {
    const { type, inputs, outputs, region } = seen;
    const stores = (STORES[type] ?? []).flatMap((path) =>
      at(inputs, path).flatMap((key) => allOf(BY_STORE, key, { account: true })),
    );
    switch (type) {
      case "aws:cloudwatch/logGroup:LogGroup": {
        const key = text(inputs.kmsKeyId);
        const context = { "kms:encryptioncontext:aws:logs:arn": String(outputs.arn) };
        const byLogs =
          key === undefined ? [] : allOf(BY_LOGS, key, { service: `logs.${region}.amazonaws.com` }, context);
        // A function at the edge logs in whichever region it runs, to a group of its own there.
        const role = this.#roles.get(/^\/aws\/lambda\/us-east-1\.(.+)$/.exec(String(outputs.name))?.[1] ?? "");
        return role === undefined ? byLogs : [...byLogs, ...this.#writing(role, String(outputs.name), region)];
      }
      case "aws:lambda/function:Function":
        return this.#writing(inputs.role, at(inputs, "loggingConfig.logGroup")[0], region);
      case "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": {
        const to = inputs.extendedS3Configuration as Inputs | undefined;
        return [
          ...stores,
          ...this.#writing(
            to?.roleArn,
            at(to, "cloudwatchLoggingOptions.logGroupName")[0],
            region,
            at(to, "cloudwatchLoggingOptions.logStreamName")[0],
          ),
          ...this.#delivering(to, region),
        ];
      }
      case "aws:rds/proxy:Proxy":
        return at(inputs, "auths.*.secretArn").flatMap((secret) =>
          [
            { action: "secretsmanager:GetSecretValue", resources: [secret] },
            ...keyUse(this.#keys.get(secret), "read", "secretsmanager", region),
          ].map((one) => ({ ...one, by: { role: String(inputs.roleArn) } })),
        );
      case "aws:cloudwatch/metricAlarm:MetricAlarm":
      case "aws:cloudwatch/compositeAlarm:CompositeAlarm":
        return this.#publishing("cloudwatch.amazonaws.com", [
          ...texts(inputs.alarmActions),
          ...texts(inputs.okActions),
          ...texts(inputs.insufficientDataActions),
        ]);
      case "aws:budgets/budget:Budget":
        return this.#publishing(
          "budgets.amazonaws.com",
          (Array.isArray(inputs.notifications) ? (inputs.notifications as Inputs[]) : []).flatMap((one) =>
            texts(one.subscriberSnsTopicArns),
          ),
        );
      case "aws:kms/replicaKey:ReplicaKey":
        return [
          ...allOf(BY_REPLICA, String(inputs.primaryKeyArn), { account: true }),
          ...allOf(["kms:SynchronizeMultiRegionKey"], String(outputs.arn), { account: true }),
        ];
      default:
        return stores;
    }
  }

  /** Writing to a log group, in a role's name. @param stream undefined for one that the writer makes */
  #writing(role: unknown, group: string | undefined, region: string, stream?: string): Use[] {
    const arn = group === undefined ? undefined : this.#logGroups.get(`${region} ${group}`);
    if (arn === undefined) return [];
    const by = { role: String(role) };
    const key = this.#keys.get(arn);
    const via = { "kms:viaservice": `logs.${region}.amazonaws.com` };
    const context = { ...via, "kms:encryptioncontext:aws:logs:arn": arn };
    return [
      ...allOf(
        stream === undefined ? ["logs:CreateLogStream", "logs:PutLogEvents"] : ["logs:PutLogEvents"],
        `${arn}:log-stream:${stream ?? "2026/01/01/[$LATEST]1"}`,
        by,
      ),
      ...(key === undefined ? [] : [...allOf(BY_WRITER, key, by, context), ...allOf([DESCRIBE], key, by, via)]),
    ];
  }

  /** Putting objects into an encrypted bucket, in a stream's role's name. */
  #delivering(to: Inputs | undefined, region: string): Use[] {
    if (to === undefined) return [];
    const bucket = String(to.bucketArn);
    const key = text(to.kmsKeyArn) ?? this.#keys.get(bucket);
    const by = { role: String(to.roleArn) };
    return [
      ...allOf(["s3:PutObject", "s3:AbortMultipartUpload"], `${bucket}/object`, by),
      ...keyUse(key, "write", "s3", region).map((one) => ({ ...one, by })),
    ];
  }

  /** Publishing to a topic, in a service's own name. */
  #publishing(service: string, topics: readonly string[]): Use[] {
    const context = { "aws:sourceaccount": this.#account };
    return [...new Set(topics)].flatMap((topic) => {
      const key = this.#keys.get(topic);
      return key === undefined ? [] : allOf(BY_PUBLISHER, key, { service }, context);
    });
  }
}
