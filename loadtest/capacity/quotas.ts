import { ACCOUNT_QUOTAS, firehoseBytesPerSecondIn } from "../../local/account.ts";
import { FIRST_SHARDS } from "../../runtime/domain/shards.ts";

/**
 * What AWS allows, as data: the capacity model reads nothing else about AWS. Defaults of a new account in us-east-1, with the
 * page each number is from; a deployment overrides what it has had raised (`--quota name=value`).
 */
export interface Quotas {
  /** Requests per second that Lambda@Edge takes in one region. */
  edgeRequestsPerSecond: number;
  /** AWS regions in which viewers' requests arrive: edge locations are spread over them. */
  edgeRegions: number;
  /** Concurrent Lambda environments of the account in the region, shared by all functions. */
  lambdaConcurrency: number;
  /** Environments one function may add every 10 seconds. */
  lambdaScalingPer10s: number;
  /** A standard SQS mapping: concurrent invocations it begins with, adds per minute, and reaches. */
  pollerStart: number;
  pollerRampPerMinute: number;
  pollerMax: number;
  /** Provisioned pollers of each hot mapping; 0 is standard mode. One poller drives up to 10 concurrent invocations. */
  provisionedPollers: number;
  /** SQS messages in flight per standard queue. */
  sqsInFlight: number;
  /** DynamoDB: write units per second of a table (the account's limit), of a new on-demand table, and of a partition. */
  tableWriteUnits: number;
  tableWarmWriteUnits: number;
  partitionWriteUnits: number;
  /** Partition keys a customer's batches are spread over. */
  shards: number;
  /** Firehose: bytes per second and stream. */
  firehoseBytesPerSecond: number;
  firehoseStreams: number;
  /** Provisioned environments of ingest. */
  ingestProvisioned: number;
  /** Connections to the cache, one for each environment of ingest. */
  cacheConnections: number;
}

/** Quotas of a new account in a region, as far as they depend on it. */
export const defaultQuotasIn = (region: string): Quotas => ({
  ...defaultQuotas,
  firehoseBytesPerSecond: firehoseBytesPerSecondIn(region),
});

export const defaultQuotas: Quotas = {
  edgeRequestsPerSecond: ACCOUNT_QUOTAS.edgeRequestsPerSecond,
  edgeRegions: 3,
  lambdaConcurrency: ACCOUNT_QUOTAS.lambdaConcurrency,
  lambdaScalingPer10s: ACCOUNT_QUOTAS.lambdaScalingPer10s,
  pollerStart: ACCOUNT_QUOTAS.pollerStart,
  pollerRampPerMinute: ACCOUNT_QUOTAS.pollerRampPerMinute,
  pollerMax: ACCOUNT_QUOTAS.pollerMax,
  provisionedPollers: 0,
  sqsInFlight: ACCOUNT_QUOTAS.sqsInFlight,
  tableWriteUnits: ACCOUNT_QUOTAS.tableWriteUnits,
  tableWarmWriteUnits: ACCOUNT_QUOTAS.tableWarmWriteUnits,
  partitionWriteUnits: ACCOUNT_QUOTAS.partitionWriteUnits,
  shards: FIRST_SHARDS,
  firehoseBytesPerSecond: ACCOUNT_QUOTAS.firehoseBytesPerSecond,
  firehoseStreams: 1,
  ingestProvisioned: 0,
  cacheConnections: 65_000,
};

/** The account as it should be for a rate: what docs/deploy.md asks to have raised. */
export function raised(eventsPerSecond: number, eventsPerRequest: number, eventBytes: number): Quotas {
  const requests = eventsPerSecond / eventsPerRequest;
  return {
    ...defaultQuotas,
    edgeRequestsPerSecond: Math.max(defaultQuotas.edgeRequestsPerSecond, requests),
    lambdaConcurrency: Math.max(1_000, Math.ceil(requests)),
    provisionedPollers: Math.max(4, Math.ceil(requests / 100)),
    ingestProvisioned: Math.ceil(requests * 0.03),
    tableWriteUnits: Math.max(40_000, requests * 60),
    tableWarmWriteUnits: Math.max(4_000, requests * 45),
    firehoseBytesPerSecond: Math.max(defaultQuotas.firehoseBytesPerSecond, eventsPerSecond * eventBytes * 1.5),
    // What the setting takes: a power of two.
    shards: 2 ** Math.ceil(Math.log2(Math.max(8, (requests * 0.1 * 40) / 1_000))),
  };
}

export type QuotaName = keyof Quotas;

/** Where each number stands, and what to do when the model says that it breaks first. */
export const remedies: Readonly<Record<QuotaName, { readonly source: string; readonly remedy: string }>> = {
  edgeRequestsPerSecond: {
    source: "CloudFront quotas, Lambda@Edge: requests per second per region",
    remedy: "raise 'Lambda@Edge requests per second' by a support case, or spread callers over more regions",
  },
  edgeRegions: { source: "the callers' geography", remedy: "not a quota" },
  lambdaConcurrency: {
    source: "Lambda quotas: concurrent executions",
    remedy: "raise 'Concurrent executions' in Service Quotas (10,000s are ordinary)",
  },
  lambdaScalingPer10s: {
    source: "Lambda: function scaling behaviour, 1,000 environments every 10 seconds a function",
    remedy: "set triggers:ingestConcurrency so that the expected burst is provisioned",
  },
  pollerStart: { source: "Lambda: SQS event source scaling", remedy: "set triggers:pollers" },
  pollerRampPerMinute: {
    source: "Lambda: SQS event source scaling, +300 a minute",
    remedy: "set triggers:pollers",
  },
  pollerMax: {
    source: "Lambda: SQS event source scaling, 1,250 concurrent",
    remedy: "set triggers:pollers",
  },
  provisionedPollers: {
    source: "Lambda: provisioned mode for SQS event source mappings",
    remedy: "raise the maximum of triggers:pollers",
  },
  sqsInFlight: { source: "SQS quotas: in-flight messages per queue, 120,000", remedy: "raise it by a support case" },
  tableWriteUnits: {
    source: "DynamoDB quotas: table-level write throughput, 40,000",
    remedy: "raise 'Table-level write throughput' in Service Quotas",
  },
  tableWarmWriteUnits: {
    source: "DynamoDB: on-demand initial throughput, 4,000 writes, doubling at least every 30 minutes",
    remedy: "set triggers:warmWriteUnits before the launch",
  },
  partitionWriteUnits: {
    source: "DynamoDB: 1,000 write units a partition",
    remedy:
      "give the busiest customer more shards by triggers:eventShards, a day before it needs them, or pack more events a request",
  },
  shards: {
    source: "the program: triggers:eventShards, 8 unless set",
    remedy: "set triggers:eventShards for the busiest customer",
  },
  firehoseBytesPerSecond: {
    source:
      "Firehose quotas: Direct PUT bytes per second (5 MiB in us-east-1, us-west-2 and eu-west-1, 1 MiB elsewhere), before compression",
    remedy: "raise 'Bytes per second' for the stream in Service Quotas",
  },
  firehoseStreams: { source: "the program", remedy: "not a quota" },
  ingestProvisioned: { source: "the program: triggers:ingestConcurrency", remedy: "not a quota" },
  cacheConnections: {
    source: "ElastiCache for Valkey: maxclients, 65,000 a node",
    remedy: "have callers pack more events a request: each environment of ingest holds one connection",
  },
};
