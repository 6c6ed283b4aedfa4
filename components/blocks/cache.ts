import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { EncryptionKey } from "./encryptionKey.ts";
import type { Network } from "./network.ts";
import { Secret } from "./secret.ts";

// Invariant: the cache speaks TLS only and answers only those who know the token. What it holds (counters of limits,
// idempotency entries of 24 h) may be lost without losing an event.

export interface CacheArgs {
  readonly network: Network;
  readonly region: string;
  readonly nodeType: string;
  readonly multiAz: boolean;
  readonly protect: boolean;
}

/** Valkey, behind rate limits and idempotency keys. */
export class Cache extends pulumi.ComponentResource {
  /** `rediss://host:port`, or `redis://` on this machine, where there is no TLS. */
  readonly url: pulumi.Output<string>;
  readonly token: Secret;
  /** How many nodes the group has. */
  readonly nodes: number;
  readonly replicationGroup: aws.elasticache.ReplicationGroup;

  constructor(name: string, args: CacheArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Cache", name, {}, opts);
    const own = { parent: this };
    const { network, region, protect } = args;
    const key = new EncryptionKey(name, { purpose: "The cache at rest", protect }, own);
    const group = network.group(name, "Valkey", this);
    const port = 6379;
    network.letIn("functions-to-cache", group.id, port, this);
    const subnets = new aws.elasticache.SubnetGroup(`${name}-subnets`, { subnetIds: network.subnetIds }, own);
    // 64 letters and digits: the provider keeps the value encrypted in the state, as ElastiCache asks for it at creation.
    const token = new random.RandomPassword(`${name}-token`, { length: 64, special: false }, own);
    const tokenKey = new EncryptionKey(`${name}-token`, { purpose: "The token of the cache", protect }, own);
    this.token = new Secret(
      `${name}-token`,
      { description: "Token that the cache asks for", key: tokenKey, region },
      own,
    );
    new aws.secretsmanager.SecretVersion(
      `${name}-token`,
      { secretId: this.token.secret.id, secretString: token.result },
      own,
    );
    const parameters = new aws.elasticache.ParameterGroup(
      `${name}-parameters`,
      // Counters must not be dropped silently when memory is full: a refused write fails open, but an evicted counter gives a wrong count.
      { family: "valkey8", parameters: [{ name: "maxmemory-policy", value: "noeviction" }] },
      own,
    );
    this.nodes = args.multiAz ? 2 : 1;
    this.replicationGroup = new aws.elasticache.ReplicationGroup(
      `${name}-group`,
      {
        description: "Rate limits and idempotency keys",
        engine: "valkey",
        engineVersion: "8.0",
        nodeType: args.nodeType,
        numCacheClusters: this.nodes,
        automaticFailoverEnabled: args.multiAz,
        multiAzEnabled: args.multiAz,
        port,
        parameterGroupName: parameters.name,
        subnetGroupName: subnets.name,
        securityGroupIds: [group.id],
        atRestEncryptionEnabled: true,
        kmsKeyId: key.arn,
        transitEncryptionEnabled: true,
        transitEncryptionMode: "required",
        authToken: token.result,
        autoMinorVersionUpgrade: true,
        snapshotRetentionLimit: args.multiAz ? 1 : 0,
      },
      own,
    );
    this.url = pulumi.interpolate`${this.replicationGroup.primaryEndpointAddress}:${this.replicationGroup.port}`.apply(
      (at) => `${/^(127\.|localhost:)/.test(at) ? "redis" : "rediss"}://${at}`,
    );
    this.registerOutputs({ url: this.url });
  }
}
