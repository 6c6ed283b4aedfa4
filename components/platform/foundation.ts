import type * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined, mapDefined } from "../../runtime/domain/defined.ts";
import { Cache } from "../blocks/cache.ts";
import { DataBucket } from "../blocks/dataBucket.ts";
import { EncryptionKey, forLogGroups } from "../blocks/encryptionKey.ts";
import type { HandlerDefaults } from "../blocks/handler.ts";
import { Network } from "../blocks/network.ts";
import { Tracing } from "../blocks/tracing.ts";
import type { Settings } from "../stack/settings.ts";

export type FoundationArgs = Pick<
  Settings,
  | "region"
  | "multiAz"
  | "availabilityZones"
  | "protect"
  | "logRetentionDays"
  | "cacheNodeType"
  | "gradualDeploys"
  | "reservedConcurrency"
  | "otlpEndpoint"
  | "traceSampleRatio"
>;

/** The bucket of access logs, and of the network's flow log where there is a network. */
export const logBucket = (
  { region, logRetentionDays, protect }: Pick<Settings, "region" | "logRetentionDays" | "protect">,
  network?: Network,
  opts?: pulumi.ComponentResourceOptions,
): DataBucket =>
  new DataBucket(
    "logs",
    {
      region,
      ageing: [{ prefix: "", deleteAfterDays: Math.max(90, logRetentionDays) }],
      receivesLogs: true,
      ...defined({
        replacesPolicy: mapDefined(network, (network) => (bucket: aws.s3.Bucket) => network.logFlows(bucket)),
      }),
      protect,
    },
    opts,
  );

/** What every part stands on: where logs and spans go, the private network, the cache. */
export class Foundation extends pulumi.ComponentResource {
  /** What all functions share. */
  readonly defaults: HandlerDefaults;
  /** Access and flow logs. */
  readonly logs: DataBucket;
  readonly network: Network;
  readonly cache: Cache;
  readonly tracing: Tracing;

  constructor(name: string, args: FoundationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Foundation", name, {}, opts);
    const own = { parent: this };
    const { region, multiAz, protect, logRetentionDays } = args;
    const key = new EncryptionKey(
      "functions",
      { purpose: "Logs and settings of functions", services: [forLogGroups(region)], protect },
      own,
    );
    this.defaults = {
      region,
      keyArn: key.arn,
      logRetentionDays,
      gradual: args.gradualDeploys,
      reserved: { ...args.reservedConcurrency },
    };
    this.network = new Network("network", { region, multiAz, zones: args.availabilityZones }, own);
    this.logs = logBucket(args, this.network, own);
    this.cache = new Cache(
      "cache",
      { network: this.network, region, nodeType: args.cacheNodeType, multiAz, protect },
      own,
    );
    this.tracing = new Tracing(
      "tracing",
      { region, endpoint: args.otlpEndpoint, sampleRatio: args.traceSampleRatio, protect },
      own,
    );
    this.registerOutputs();
  }
}
