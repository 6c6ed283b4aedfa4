import { join } from "node:path";
import { onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import { JsonFile } from "./jsonFile.ts";
import { type DatabaseOptions, LocalDatabase } from "./rds/database.ts";
import {
  type ApiAnswer,
  type ApiCall,
  type Created,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";
import { document } from "./xml.ts";

/**
 * Amazon RDS for PostgreSQL on one machine: a server named by `DATABASE_URL`, or PGlite in a thread of its own with its cluster
 * in the state. One instance. Its proxy has the same address, becomes available after a while, and signs in by password, so its
 * user must stay outside `rds_iam`. Sizes, subnets, backups, encryption and insights change nothing here.
 */
export interface RdsService extends LocalService {
  /** Leaves nothing of deleted rows in the state's files; of a server of one's own, everything stays as it is. */
  scrub(): Promise<void>;
}

export async function createRds(context: LocalContext, options: DatabaseOptions): Promise<RdsService> {
  const database = new LocalDatabase(context, options);
  /** Targets of the proxy by name. */
  const targets = new JsonFile<string[]>(join(context.state, "rds-targets.json"), []);
  const proxies = new Set<string>();
  /** Databases that the proxy's target group holds. */
  const registered: string[] = [];
  let instance: string | undefined;

  async function createInstance(request: ResourceRequest): Promise<Created> {
    const { inputs, name, type } = request;
    onlySupports(request, INSTANCE_ARGUMENTS);
    if (inputs.engine !== "postgres")
      throw new Error(
        `${type} "${name}": the local platform runs the engine "postgres", not "${String(inputs.engine)}"`,
      );
    if (instance !== undefined)
      throw new Error(`${type} "${name}": the local platform runs one database, and that is "${instance}"`);
    instance = name;
    const user = optional(inputs, "username", "string") ?? "postgres";
    const dbName = optional(inputs, "dbName", "string") ?? "postgres";
    const address = await database.open({ user, database: dbName });
    context.ownPorts?.add(address.port);
    const identifier = optional(inputs, "identifier", "string") ?? name;
    database.names.push(`db-${identifier.toUpperCase()}`);
    const region = regionOf(request, context);
    const secret = `arn:aws:secretsmanager:${region}:${context.accountId}:secret:rds!db-${identifier}-AbCdEf`;
    return {
      id: identifier,
      state: {
        ...inputs,
        identifier,
        arn: `arn:aws:rds:${region}:${context.accountId}:db:${identifier}`,
        address: address.host,
        endpoint: `${address.host}:${address.port}`,
        port: address.port,
        username: address.user,
        dbName: address.database,
        resourceId: `db-${identifier.toUpperCase()}`,
        masterUserSecrets: [
          { secretArn: secret, secretStatus: "active", kmsKeyId: inputs.masterUserSecretKmsKeyId ?? "" },
        ],
        hostedZoneId: "Z2R2ITUGPM61AM",
        engineVersionActual: String(inputs.engineVersion ?? "17"),
        status: "available",
      },
    };
  }

  /** A proxy is created before its target is known, and has the address of the one database. */
  async function createProxy(request: ResourceRequest): Promise<Created> {
    const { inputs } = request;
    const { address } = database;
    if (address === undefined)
      throw new Error(`${request.type} "${request.name}": declare the database instance before its proxy`);
    const name = physicalName(request);
    proxies.add(name);
    database.names.push(`prx-${name}`);
    const arn = `arn:aws:rds:${regionOf(request, context)}:${context.accountId}:db-proxy:prx-${name}`;
    return { id: name, state: { ...inputs, name, arn, endpoint: address.host } };
  }

  /** Answers at once, as RDS does, and the target is available later; one that an earlier run has registered is by now. */
  async function registerTarget({ name, inputs }: ResourceRequest): Promise<Created> {
    if (!database.isElsewhere && !targets.value.includes(name)) {
      await database.ask({ register: true });
      targets.value.push(name);
      targets.save();
    }
    registered.push(String(inputs.dbInstanceIdentifier));
    return {
      id: name,
      state: {
        ...inputs,
        endpoint: database.address?.host,
        port: database.address?.port,
        type: "RDS_INSTANCE",
        rdsResourceId: inputs.dbInstanceIdentifier,
      },
    };
  }

  const named =
    (kind: string) =>
    async (request: ResourceRequest): Promise<Created> => {
      const name = physicalName(request);
      return {
        id: name,
        state: {
          ...request.inputs,
          name,
          arn: `arn:aws:rds:${regionOf(request, context)}:${context.accountId}:${kind}:${name}`,
        },
      };
    };

  async function describeTargets(call: ApiCall): Promise<ApiAnswer> {
    const { proxy } = describing(call);
    if (!proxies.has(proxy)) throw new ServiceError("DBProxyNotFoundFault", `There is no proxy ${proxy}.`, 404);
    const health = database.isElsewhere ? { health: { State: "AVAILABLE" } } : await database.ask({ health: true });
    const member = registered.map((RdsResourceId) => ({
      RdsResourceId,
      Endpoint: database.address?.host,
      Port: database.address?.port,
      Type: "RDS_INSTANCE",
      TargetHealth: "health" in health ? { ...health.health } : undefined,
    }));
    const result = { DescribeDBProxyTargetsResult: { Targets: { member } } };
    return {
      status: 200,
      headers: { "content-type": "text/xml" },
      body: document("DescribeDBProxyTargetsResponse", result, "http://rds.amazonaws.com/doc/2014-10-31/"),
    };
  }

  return {
    api: {
      name: "rds",
      authorizations: (call) => [
        {
          action: "rds:DescribeDBProxyTargets",
          resources: [`arn:aws:rds:${call.region}:${context.accountId}:db-proxy:${describing(call).proxy}`],
        },
      ],
      call: describeTargets,
    },
    resources: {
      "aws:rds/instance:Instance": createInstance,
      "aws:rds/proxy:Proxy": createProxy,
      "aws:rds/proxyDefaultTargetGroup:ProxyDefaultTargetGroup": async ({ name, inputs }) => ({
        id: String(inputs.dbProxyName),
        state: {
          ...inputs,
          name: "default",
          arn: `arn:aws:rds:${context.region}:${context.accountId}:target-group:prx-tg-${name}`,
        },
      }),
      "aws:rds/proxyTarget:ProxyTarget": registerTarget,
      "aws:rds/subnetGroup:SubnetGroup": named("subgrp"),
      "aws:rds/parameterGroup:ParameterGroup": named("pg"),
      "aws:rds/optionGroup:OptionGroup": named("og"),
    },
    scrub: () => database.scrub(),
    close: () => database.close(),
  };
}

/** `Action=DescribeDBProxyTargets&DBProxyName=…`, the protocol that RDS speaks. @throws ServiceError for anything else */
function describing({ body }: ApiCall): { readonly proxy: string } {
  const form = new URLSearchParams(body.toString("utf8"));
  if (form.get("Action") !== "DescribeDBProxyTargets")
    throw new ServiceError("InvalidAction", `The local platform does not answer rds:${form.get("Action")}.`);
  return { proxy: form.get("DBProxyName") ?? "" };
}

const INSTANCE_ARGUMENTS =
  "engine engineVersion engineLifecycleSupport instanceClass identifier identifierPrefix allocatedStorage maxAllocatedStorage storageType storageEncrypted storageThroughput iops kmsKeyId dbName username password manageMasterUserPassword masterUserSecretKmsKeyId iamDatabaseAuthenticationEnabled caCertIdentifier parameterGroupName dbSubnetGroupName vpcSecurityGroupIds availabilityZone publiclyAccessible multiAz autoMinorVersionUpgrade allowMajorVersionUpgrade applyImmediately backupRetentionPeriod backupWindow maintenanceWindow copyTagsToSnapshot deletionProtection deleteAutomatedBackups skipFinalSnapshot finalSnapshotIdentifier performanceInsightsEnabled performanceInsightsKmsKeyId performanceInsightsRetentionPeriod databaseInsightsMode monitoringInterval monitoringRoleArn enabledCloudwatchLogsExports port networkType";
