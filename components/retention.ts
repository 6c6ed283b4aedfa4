import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { RetainEnvironment } from "../runtime/retain/environment.ts";
import { DataBucket } from "./blocks/dataBucket.ts";
import { EncryptionKey } from "./blocks/encryptionKey.ts";
import { EverySoOften } from "./blocks/everySoOften.ts";
import { Handler, type HandlerDefaults } from "./blocks/handler.ts";
import { type Permission, policyOf, toWriteLogs, trustOf } from "./blocks/permissions.ts";
import { WorkQueue } from "./blocks/workQueue.ts";
import type { DeliveryEngine } from "./deliveryEngine.ts";
import type { EventStore } from "./platform/eventStore.ts";
import type { MetricsCube } from "./platform/metricsCube.ts";

// Invariant: every object of the archive lies under the hashed prefix of its customers, so that erasing one customer
// has to read only one 64th of it.

export interface RetentionArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly store: EventStore;
  readonly delivery: DeliveryEngine;
  readonly subscriptions: Handler<Readonly<Record<string, string>>>;
  /** Removes idempotency entries. */
  readonly forget: Handler<Readonly<Record<string, string>>>;
  readonly cube: MetricsCube;
  readonly logs: DataBucket;
  /** Longest time, 1 to 900 seconds, that the archive waits for more before it writes. */
  readonly bufferSeconds: number;
  /** Days for which archived access records are locked against deletion and change; 0 leaves them unlocked. */
  readonly auditLockDays: number;
  readonly protect: boolean;
}

/** The archive and the stream that fills it; exports; access records; the jobs that replay, export, erase and compare. */
export class Retention extends pulumi.ComponentResource {
  readonly stream: aws.kinesis.FirehoseDeliveryStream;
  readonly archive: DataBucket;
  readonly exports: DataBucket;
  readonly audit: DataBucket;
  /** Counts what the stream puts aside. */
  readonly failed: aws.s3.BucketMetric;
  readonly jobs: WorkQueue;
  /** Encrypts them. */
  readonly jobsKey: EncryptionKey;
  readonly retain: Handler<RetainEnvironment>;
  private readonly streamKey: EncryptionKey;
  private readonly region: string;

  constructor(name: string, args: RetentionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Retention", name, {}, opts);
    const own = { parent: this };
    const { region, defaults, store, delivery, subscriptions, forget, cube, protect } = args;
    this.region = region;
    const archiveKey = new EncryptionKey("archive", { purpose: "Archived events", protect }, own);
    const exportKey = new EncryptionKey("exports", { purpose: "Exports for download", protect }, own);
    this.jobsKey = new EncryptionKey("jobs", { purpose: "Queued jobs", protect }, own);
    const jobKey = this.jobsKey;
    this.streamKey = new EncryptionKey("stream", { purpose: "Events on their way to the archive", protect }, own);
    const accessLogs = args.logs;
    this.archive = new DataBucket(
      "archive",
      { key: archiveKey, region, accessLogs, ageing: [{ prefix: "events/", coldAfterDays: 90 }], protect },
      own,
    );
    this.exports = new DataBucket(
      "exports",
      { key: exportKey, region, accessLogs, ageing: [{ prefix: "", deleteAfterDays: 8 }], protect },
      own,
    );
    const auditKey = new EncryptionKey("audit", { purpose: "Who called what", protect }, own);
    this.audit = new DataBucket(
      "audit",
      {
        key: auditKey,
        region,
        accessLogs,
        ageing: [{ prefix: "access/", coldAfterDays: 90 }],
        lockDays: args.auditLockDays,
        protect,
      },
      own,
    );
    this.failed = new aws.s3.BucketMetric(
      "archive-failed",
      { bucket: this.archive.bucket.bucket, name: "failed", filter: { prefix: "failed/" } },
      own,
    );
    this.stream = this.createStream(name, archiveKey, args);

    this.jobs = new WorkQueue("jobs", { key: jobKey, region, consumerSeconds: 300, protect }, own);
    this.retain = new Handler<RetainEnvironment>(
      "retain",
      {
        defaults,
        entry: "runtime/retain/handler.ts",
        environment: {
          EVENTS_TABLE: store.events.table.name,
          EVENT_SHARDS: store.shards,
          METRICS_TABLE: store.metrics.table.name,
          RETRY_QUEUE_URL: delivery.retry.queue.url,
          JOB_QUEUE_URL: this.jobs.queue.url,
          PAYLOAD_BUCKET: store.payloads.bucket.bucket,
          ARCHIVE_BUCKET: this.archive.bucket.bucket,
          EXPORT_BUCKET: this.exports.bucket.bucket,
          AUDIT_BUCKET: this.audit.bucket.bucket,
          ARCHIVE_BUFFER_SECONDS: String(args.bufferSeconds),
          SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
          FORGET_FUNCTION: forget.target.arn,
          CUBE_FUNCTION: cube.handler.target.arn,
          CUBE_BUCKET: cube.bucket.bucket.bucket,
        },
        permissions: [
          ...this.jobs.toConsume(),
          ...this.jobs.toSend(),
          ...delivery.retry.toSend(),
          ...store.events.to(
            "dynamodb:BatchGetItem",
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
          ),
          ...store.metrics.to("dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"),
          ...[store.payloads, this.archive, this.exports].flatMap((bucket) => [
            ...bucket.toRead(),
            ...bucket.toWrite(),
            bucket.toList(),
            bucket.toDelete(),
          ]),
          ...this.audit.toRead("access/"),
          ...this.audit.toWrite(),
          this.audit.toList(),
          subscriptions.toInvoke(),
          forget.toInvoke(),
          cube.handler.toInvoke(),
          cube.bucket.toList(),
          cube.bucket.toDelete(),
        ],
        memoryMb: 1_024,
        timeoutSeconds: 300,
      },
      own,
    );
    this.jobs.feed("retain-jobs", this.retain);
    for (const op of ["reconcile", "access"]) {
      const hourly = { handler: this.retain, rate: "rate(1 hour)", region, key: jobKey, dead: this.jobs.dead };
      new EverySoOften(op, { ...hourly, input: { op } }, own);
    }
    this.registerOutputs();
  }

  /** Putting records on the stream to the archive. */
  toArchive(): Permission[] {
    return [
      { actions: ["firehose:PutRecordBatch"], resources: [this.stream.arn] },
      this.streamKey.toEncrypt("firehose", this.region),
    ];
  }

  private createStream(
    name: string,
    archiveKey: EncryptionKey,
    args: RetentionArgs,
  ): aws.kinesis.FirehoseDeliveryStream {
    const own = { parent: this };
    const logs = new aws.cloudwatch.LogGroup(
      "archive-stream-logs",
      { kmsKeyId: args.defaults.keyArn, retentionInDays: args.defaults.logRetentionDays },
      own,
    );
    const logStream = new aws.cloudwatch.LogStream("archive-stream-logs", { logGroupName: logs.name }, own);
    const role = new aws.iam.Role(
      "archive-stream-role",
      { description: "Writes the archive", assumeRolePolicy: trustOf("firehose.amazonaws.com") },
      own,
    );
    const bucket = this.archive.bucket;
    const policy = new aws.iam.RolePolicy(
      "archive-stream-policy",
      {
        role: role.name,
        policy: policyOf([
          {
            actions: ["s3:AbortMultipartUpload", "s3:PutObject"],
            resources: [pulumi.interpolate`${bucket.arn}/*`],
          },
          {
            actions: ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            resources: [bucket.arn],
          },
          archiveKey.toEncrypt("s3", this.region),
          { actions: ["kms:Decrypt", "kms:GenerateDataKey"], resources: [this.streamKey.arn] },
          ...toWriteLogs(
            pulumi.interpolate`${logs.arn}:log-stream:${logStream.name}`,
            args.defaults.keyArn,
            this.region,
          ),
        ]),
      },
      own,
    );
    return new aws.kinesis.FirehoseDeliveryStream(
      `${name}-stream`,
      {
        destination: "extended_s3",
        serverSideEncryption: { enabled: true, keyType: "CUSTOMER_MANAGED_CMK", keyArn: this.streamKey.arn },
        extendedS3Configuration: {
          roleArn: role.arn,
          bucketArn: bucket.arn,
          kmsKeyArn: archiveKey.arn,
          // Dynamic partitioning asks for at least 64 MiB.
          bufferingSize: 64,
          bufferingInterval: args.bufferSeconds,
          compressionFormat: "GZIP",
          prefix: "events/prefix=!{partitionKeyFromQuery:prefix}/!{timestamp:yyyy/MM/dd/HH}/",
          errorOutputPrefix: "failed/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/",
          dynamicPartitioningConfiguration: { enabled: true, retryDuration: 300 },
          processingConfiguration: {
            enabled: true,
            processors: [
              {
                type: "MetadataExtraction",
                parameters: [
                  { parameterName: "JsonParsingEngine", parameterValue: "JQ-1.6" },
                  { parameterName: "MetadataExtractionQuery", parameterValue: "{prefix:.prefix}" },
                ],
              },
            ],
          },
          cloudwatchLoggingOptions: { enabled: true, logGroupName: logs.name, logStreamName: logStream.name },
        },
      },
      { ...own, dependsOn: [policy] },
    );
  }
}
