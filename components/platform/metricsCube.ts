import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { CubeEnvironment } from "../../runtime/cube/environment.ts";
import { DataBucket } from "../blocks/dataBucket.ts";
import { duckdbFiles } from "../blocks/duckdb.ts";
import { EncryptionKey } from "../blocks/encryptionKey.ts";
import { Handler, type HandlerDefaults } from "../blocks/handler.ts";
import type { EventStore } from "./eventStore.ts";

// Invariant: a file of the cube holds one tenant's day and nothing of another's, so that erasing a customer removes files.

export interface MetricsCubeArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly store: EventStore;
  readonly logs: DataBucket;
  readonly protect: boolean;
}

/** Columns as Glue names their types; tests hold them to those that the function writes. */
const columns: readonly (readonly [name: string, type: string])[] = [
  ["quarter_start", "timestamp"],
  ...["grain", "event_type", "subscription_id", "key_id", "status", "error"].map((name) => [name, "string"] as const),
  ...[
    ...["requests", "events", "bytes", "refused", "matched", "unmatched", "pairs", "pairs_delivered", "pairs_failed"],
    ...["pairs_dead_lettered", "pairs_cancelled", "attempts", "attempts_failed", "delivered", "failed"],
    ...["dead_lettered", "replayed", "peak"],
  ].map((name) => [name, "bigint"] as const),
  ...["accept_ms", "delivery_ms", "attempt_ms"].map((name) => [name, "array<struct<bucket:int,n:bigint>>"] as const),
];

/** The numbers by all dimensions at once: Parquet in S3, the function that writes and reads it, and what Athena needs to read it too. */
export class MetricsCube extends pulumi.ComponentResource {
  readonly bucket: DataBucket;
  readonly handler: Handler<CubeEnvironment>;

  constructor(name: string, args: MetricsCubeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:MetricsCube", name, {}, opts);
    const own = { parent: this };
    const { region, defaults, store, logs, protect } = args;
    const key = new EncryptionKey("cube", { purpose: "Numbers by all dimensions", protect }, own);
    this.bucket = new DataBucket(
      "cube",
      { key, region, accessLogs: logs, ageing: [{ prefix: "results/", deleteAfterDays: 7 }], protect },
      own,
    );
    this.handler = new Handler<CubeEnvironment>(
      "cube",
      {
        defaults,
        entry: "runtime/cube/handler.ts",
        files: duckdbFiles(),
        environment: { METRICS_TABLE: store.metrics.table.name, CUBE_BUCKET: this.bucket.bucket.bucket },
        permissions: [
          ...store.metrics.to("dynamodb:BatchGetItem", "dynamodb:Query"),
          ...this.bucket.toRead("cube/"),
          ...this.bucket.toWrite("cube/"),
          this.bucket.toList(),
        ],
        memoryMb: 2_048,
        timeoutSeconds: 60,
      },
      own,
    );
    this.declareTable(name, key, protect);
    this.registerOutputs();
  }

  private declareTable(name: string, key: EncryptionKey, protect: boolean): void {
    const own = { parent: this };
    const bucket = this.bucket.bucket.bucket;
    const database = new aws.glue.CatalogDatabase(
      `${name}-database`,
      { name: `${pulumi.getProject()}_${pulumi.getStack()}`.replace(/[^a-z0-9_]/g, "_"), description: "Numbers" },
      own,
    );
    const location = pulumi.interpolate`s3://${bucket}/cube/`;
    new aws.glue.CatalogTable(
      `${name}-facts`,
      {
        databaseName: database.name,
        name: "facts",
        tableType: "EXTERNAL_TABLE",
        // Partitions follow from the path: none has to be added. A tenant has to be named, so no query reads all of them by mistake.
        parameters: {
          EXTERNAL: "TRUE",
          classification: "parquet",
          "projection.enabled": "true",
          "projection.tenant.type": "injected",
          "projection.day.type": "date",
          "projection.day.format": "yyyy-MM-dd",
          "projection.day.range": "2026-01-01,NOW+1DAYS",
          "storage.location.template": pulumi.interpolate`${location}tenant=\${tenant}/day=\${day}/`,
        },
        partitionKeys: [
          { name: "tenant", type: "string" },
          { name: "day", type: "string" },
        ],
        storageDescriptor: {
          location,
          inputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
          outputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
          serDeInfo: { serializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe" },
          columns: columns.map(([column, type]) => ({ name: column, type })),
        },
      },
      own,
    );
    new aws.athena.Workgroup(
      `${name}-workgroup`,
      {
        name: `${pulumi.getProject()}-${pulumi.getStack()}`,
        description: "Questions to the numbers in SQL",
        // AWS refuses to delete a workgroup that remembers queries, and each question is one.
        ...(protect ? {} : { forceDestroy: true }),
        configuration: {
          enforceWorkgroupConfiguration: true,
          publishCloudwatchMetricsEnabled: true,
          // 10 GB: about five cents. A tenant's year is less.
          bytesScannedCutoffPerQuery: 10_000_000_000,
          resultConfiguration: {
            outputLocation: pulumi.interpolate`s3://${bucket}/results/`,
            encryptionConfiguration: { encryptionOption: "SSE_KMS", kmsKeyArn: key.arn },
          },
        },
      },
      own,
    );
  }
}
