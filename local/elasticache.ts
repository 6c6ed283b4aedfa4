import { join } from "node:path";
import { onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { type RunningRedis, startRedis } from "./redis.ts";
import type { Created, LocalContext, LocalService, ResourceRequest } from "./service.ts";

/**
 * Amazon ElastiCache on one machine: one server a replication group, with the group's token. Its connections are plain, since
 * they stay on loopback. Sizes, zones, snapshots and encryption change nothing here. Cluster mode is refused.
 */
export async function createElastiCache(context: LocalContext): Promise<LocalService> {
  const url = process.env.REDIS_URL;
  const running: RunningRedis[] = [];

  async function createGroup(request: ResourceRequest): Promise<Created> {
    const { inputs, type, name } = request;
    onlySupports(
      request,
      "replicationGroupId description engine engineVersion nodeType numCacheClusters numNodeGroups replicasPerNodeGroup automaticFailoverEnabled multiAzEnabled port parameterGroupName subnetGroupName securityGroupIds atRestEncryptionEnabled kmsKeyId transitEncryptionEnabled transitEncryptionMode authToken authTokenUpdateStrategy autoMinorVersionUpgrade snapshotRetentionLimit snapshotWindow finalSnapshotIdentifier maintenanceWindow applyImmediately preferredCacheClusterAzs notificationTopicArn networkType ipDiscovery clusterMode logDeliveryConfigurations",
    );
    if (Number(inputs.numNodeGroups ?? 1) > 1 || inputs.clusterMode === "enabled")
      throw new Error(`${type} "${name}": the local platform does not run cluster mode`);
    const id = physicalName(request, "replicationGroupId");
    const token = optional(inputs, "authToken", "string");
    const redis = await startRedis({ folder: join(context.state, "redis", id), token, url, log: context.log });
    running.push(redis);
    context.ownPorts?.add(redis.port);
    if (redis.kind !== "embedded")
      context.log(`${id}: Redis ${redis.kind === "url" ? `at ${new URL(url!).host}` : "from the PATH"}`);
    return {
      id,
      state: {
        ...inputs,
        replicationGroupId: id,
        arn: `arn:aws:elasticache:${regionOf(request, context)}:${context.accountId}:replicationgroup:${id}`,
        primaryEndpointAddress: "127.0.0.1",
        readerEndpointAddress: "127.0.0.1",
        port: redis.port,
        clusterEnabled: false,
        memberClusters: Array.from(
          { length: Number(inputs.numCacheClusters ?? 1) },
          (_, i) => `${id}-${String(i + 1).padStart(3, "0")}`,
        ),
        engineVersionActual: String(inputs.engineVersion ?? "8.0"),
      },
    };
  }

  const named =
    (kind: string, member = "name") =>
    async (request: ResourceRequest): Promise<Created> => {
      const name = physicalName(request, member);
      return {
        id: name,
        state: {
          ...request.inputs,
          [member]: name,
          arn: `arn:aws:elasticache:${regionOf(request, context)}:${context.accountId}:${kind}:${name}`,
        },
      };
    };

  return {
    resources: {
      "aws:elasticache/replicationGroup:ReplicationGroup": createGroup,
      "aws:elasticache/subnetGroup:SubnetGroup": named("subnetgroup"),
      "aws:elasticache/parameterGroup:ParameterGroup": named("parametergroup"),
      "aws:elasticache/user:User": named("user", "userId"),
      "aws:elasticache/userGroup:UserGroup": named("usergroup", "userGroupId"),
    },
    async scrub() {
      await Promise.all(running.map((redis) => redis.scrub()));
    },
    async close() {
      await Promise.all(running.map((redis) => redis.close()));
    },
  };
}
