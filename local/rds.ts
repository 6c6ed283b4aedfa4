import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo, Server } from "node:net";
import { dirname, join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { cacheFolder, threadEnvironment } from "./cache.ts";
import { onlySupports, optional, physicalName, regionOf } from "./declared.ts";
import type { Iam } from "./iam.ts";
import { JsonFile } from "./jsonFile.ts";
import type { Owner } from "./rds/cluster.ts";
import { sessionOf } from "./rds/elsewhere.ts";
import { createGate } from "./rds/front.ts";
import { maySignIn } from "./rds/signIn.ts";
import type { RdsTask, RdsWorkerData, RdsWorkerMessage, SignInQuestion, SignInVerdict } from "./rds/worker.ts";
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
 * in the state. One instance; its proxy has the same address, is not available at once, and signs in by password, so not as a member of
 * `rds_iam`. Sizes, subnets, backups, encryption and insights change nothing here.
 */
export interface RdsOptions {
  /** `postgres://user:password@host:port/database` of a server to use instead of PGlite. */
  readonly databaseUrl?: string | undefined;
  /** Folder of the empty clusters that new ones are copied from. @default one of this machine */
  readonly templates?: string;
  /** Who may sign in, by IAM token. Undefined: nobody is asked. */
  readonly iam?: Pick<Iam, "callerOf" | "refusal">;
}

export interface RdsService extends LocalService {
  /** Leaves nothing of deleted rows in the state's files; of a server of one's own, everything stays as it is. */
  scrub(): Promise<void>;
}

interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

const require = createRequire(import.meta.url);

/** Where the empty cluster of this version of PGlite is kept between starts, also those with another state. */
function templateFolder(): string {
  const entry = require.resolve("@electric-sql/pglite");
  const { version } = require(join(dirname(dirname(entry)), "package.json")) as { version: string };
  return cacheFolder(`cluster-${version}`);
}

export async function createRds(
  context: LocalContext,
  options: RdsOptions = { databaseUrl: process.env.DATABASE_URL },
): Promise<RdsService> {
  const { databaseUrl, iam } = options;
  const { port1: judge, port2: questions } = new MessageChannel();
  judge.unref();
  const worker =
    databaseUrl === undefined
      ? new Worker(new URL("./rds/worker.ts", import.meta.url), {
          name: "rds",
          workerData: {
            data: join(context.state, "postgres"),
            templates: options.templates ?? templateFolder(),
            judge: iam === undefined ? undefined : questions,
          } satisfies RdsWorkerData,
          transferList: iam === undefined ? [] : [questions],
          env: threadEnvironment(),
        })
      : undefined;
  /** Targets of the proxy by name. */
  const targets = new JsonFile<string[]>(join(context.state, "rds-targets.json"), []);
  const proxies = new Set<string>();
  /** Databases that the proxy's target group holds. */
  const registered: string[] = [];
  let address: Address | undefined;
  let gate: Server | undefined;
  let instance: string | undefined;

  let last: Promise<unknown> = Promise.resolve();
  /** What may be connected to, as IAM policies name it: instance and proxies have the same address here. */
  const databases: string[] = [];
  const asUser = (user: string) =>
    databases.map((id) => `arn:aws:rds-db:${context.region}:${context.accountId}:dbuser:${id}/${user}`);
  if (iam !== undefined) {
    judge.on("message", async ({ id, ...signIn }: SignInQuestion) => {
      const may = await maySignIn(signIn, iam, `${address?.host}:${address?.port}`, asUser);
      judge.postMessage({ id, may } satisfies SignInVerdict);
    });
    judge.unref();
  }

  /** One task after the other. @throws Error with what PGlite says */
  function ask(task: RdsTask): Promise<RdsWorkerMessage> {
    const answered = last.then(() => send(task));
    last = answered.catch(() => {});
    return answered;
  }

  function send(task: RdsTask): Promise<RdsWorkerMessage> {
    return new Promise((resolve, reject) => {
      worker!.once("error", reject);
      worker!.once("message", (message: RdsWorkerMessage) => {
        worker!.off("error", reject);
        if ("failed" in message) reject(new Error(`PostgreSQL (PGlite) has failed: ${message.failed}`));
        else resolve(message);
      });
      worker!.postMessage(task);
    });
  }

  async function open(owner: Owner): Promise<Address> {
    if (databaseUrl !== undefined) {
      const { hostname, port, username, password, pathname } = new URL(databaseUrl);
      const there = { user: decodeURIComponent(username), database: decodeURIComponent(pathname.slice(1)) };
      if (password === "") return { host: hostname, port: Number(port || 5432), ...there };
      // Functions sign in by a token of IAM, which that server doesn't know: the password is the platform's.
      gate = createGate({
        ...there,
        version: "",
        maySignIn: iam && ((signIn) => maySignIn(signIn, iam, `${address?.host}:${address?.port}`, asUser)),
        upstream: () => sessionOf(databaseUrl),
      });
      gate.listen(0, "127.0.0.1");
      await once(gate, "listening");
      return { host: "127.0.0.1", port: (gate.address() as AddressInfo).port, ...there };
    }
    const answer = await ask({ open: owner });
    return { host: "127.0.0.1", port: "port" in answer ? answer.port : 0, ...owner };
  }

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
    const database = optional(inputs, "dbName", "string") ?? "postgres";
    address = await open({ user, database });
    context.ownPorts?.add(address.port);
    const identifier = optional(inputs, "identifier", "string") ?? name;
    databases.push(`db-${identifier.toUpperCase()}`);
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
    if (address === undefined)
      throw new Error(`${request.type} "${request.name}": declare the database instance before its proxy`);
    const name = physicalName(request);
    proxies.add(name);
    databases.push(`prx-${name}`);
    const arn = `arn:aws:rds:${regionOf(request, context)}:${context.accountId}:db-proxy:prx-${name}`;
    return { id: name, state: { ...inputs, name, arn, endpoint: address.host } };
  }

  /** Answers at once, as RDS does, and the target is available later; one that an earlier run has registered is by now. */
  async function registerTarget({ name, inputs }: ResourceRequest): Promise<Created> {
    if (worker !== undefined && !targets.value.includes(name)) {
      await ask({ register: true });
      targets.value.push(name);
      targets.save();
    }
    registered.push(String(inputs.dbInstanceIdentifier));
    return {
      id: name,
      state: {
        ...inputs,
        endpoint: address?.host,
        port: address?.port,
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

  /** `Action=DescribeDBProxyTargets&DBProxyName=…`, the protocol that RDS speaks. @throws ServiceError for anything else */
  function describing({ body }: ApiCall): { readonly proxy: string } {
    const form = new URLSearchParams(body.toString("utf8"));
    if (form.get("Action") !== "DescribeDBProxyTargets")
      throw new ServiceError("InvalidAction", `The local platform does not answer rds:${form.get("Action")}.`);
    return { proxy: form.get("DBProxyName") ?? "" };
  }

  async function describeTargets(call: ApiCall): Promise<ApiAnswer> {
    const { proxy } = describing(call);
    if (!proxies.has(proxy)) throw new ServiceError("DBProxyNotFoundFault", `There is no proxy ${proxy}.`, 404);
    const health = worker === undefined ? { health: { State: "AVAILABLE" } } : await ask({ health: true });
    const member = registered.map((RdsResourceId) => ({
      RdsResourceId,
      Endpoint: address?.host,
      Port: address?.port,
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
    async scrub() {
      if (worker !== undefined && address !== undefined) await ask({ scrub: true });
    },
    async close() {
      gate?.close();
      if (worker === undefined) return;
      const ended = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage({ close: true } satisfies RdsTask);
      await ended;
    },
  };
}

const INSTANCE_ARGUMENTS =
  "engine engineVersion engineLifecycleSupport instanceClass identifier identifierPrefix allocatedStorage maxAllocatedStorage storageType storageEncrypted storageThroughput iops kmsKeyId dbName username password manageMasterUserPassword masterUserSecretKmsKeyId iamDatabaseAuthenticationEnabled caCertIdentifier parameterGroupName dbSubnetGroupName vpcSecurityGroupIds availabilityZone publiclyAccessible multiAz autoMinorVersionUpgrade allowMajorVersionUpgrade applyImmediately backupRetentionPeriod backupWindow maintenanceWindow copyTagsToSnapshot deletionProtection deleteAutomatedBackups skipFinalSnapshot finalSnapshotIdentifier performanceInsightsEnabled performanceInsightsKmsKeyId performanceInsightsRetentionPeriod databaseInsightsMode monitoringInterval monitoringRoleArn enabledCloudwatchLogsExports port networkType";
