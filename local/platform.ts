/** Any program in this process: the stand-ins, the program that creates its resources on them, and its public URL. */
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { defined, mapDefined } from "../runtime/domain/defined.ts";
import { Account } from "./account.ts";
import { createApiGateway } from "./apigateway.ts";
import type { PublicOrigins } from "./cloudfront/server.ts";
import { createCloudFront } from "./cloudfront.ts";
import { Metrics } from "./cloudwatch/metrics.ts";
import { createCloudWatch } from "./cloudwatch.ts";
import type { Person } from "./cognito/provider.ts";
import { createCognito } from "./cognito.ts";
import { createDynamodb } from "./dynamodb.ts";
import { createElastiCache } from "./elasticache.ts";
import { examiner } from "./examiner.ts";
import { createFirehose, type FirehoseService } from "./firehose.ts";
import { startGateway } from "./gateway.ts";
import { ADMINISTRATOR, createIam, type Iam, type IamOptions } from "./iam.ts";
import { createKms } from "./kms.ts";
import { createLambda } from "./lambda.ts";
import { createLogDelivery } from "./logDelivery.ts";
import { createLogs } from "./logs.ts";
import { type Outbox, startOutbox } from "./outbox.ts";
import { Activity, withoutRepeats } from "./platform/activity.ts";
import { warnOfFewFiles } from "./platform/openFiles.ts";
import { readStack } from "./platform/stack.ts";
import { type Regions, stackRuns, ToldOutputs } from "./platform/stacks.ts";
import { type AwsAccess, openState, type State } from "./platform/state.ts";
import { helpersStepBack } from "./priority.ts";
import { type DeclaredResource, type ProgramOutputs, runProgram, type Standing } from "./program.ts";
import { createRandom } from "./random.ts";
import { createRds } from "./rds.ts";
import { createS3 } from "./s3.ts";
import { createScheduler } from "./scheduler.ts";
import { createSecretsManager } from "./secretsmanager.ts";
import type { Authorization, LocalContext, LocalService, ResourceRequest } from "./service.ts";
import { createServiceQuotas } from "./serviceQuotas.ts";
import { createSes } from "./ses.ts";
import { createSmsVoice } from "./smsVoice.ts";
import { createSqs } from "./sqs.ts";
import { StartError, stateError } from "./startError.ts";
import { createWaf } from "./waf.ts";

export interface PlatformOptions {
  /** Folder of the state. */
  readonly state: string;
  /** Public port; 0 picks one. */
  readonly port: number;
  readonly fresh?: boolean;
  /** One line for the person watching. */
  log(line: string): void;
  /** Told of each resource as it comes up. */
  onCreated?(request: ResourceRequest): void;
  /** Takes a permission away, to see the platform fail without it. */
  readonly without?: IamOptions["without"];
  /** Values of configuration besides those of the stack `local`, by their whole keys. @example { "triggers:backupDays": "1" } */
  readonly config?: Readonly<Record<string, string>>;
  /** Home region and standby region, each with stacks of its own. @default one region, in one stack */
  readonly regions?: Regions;
  /** Share of AWS's default quotas that holds the stand-ins back, above 0 and at most 1. @default nothing does */
  readonly quotas?: number | undefined;
  /** Whether accepting comes first where processors are short (`priority.ts`). @default everything is alike */
  readonly acceptFirst?: boolean;
  /** Folder of the program. @default this project */
  readonly project?: string;
  /** Who may sign in to the user pools that the program declares. @default nobody */
  readonly people?: readonly Person[];
  /** Resolves once a bucket that a distribution serves holds what belongs to a key; who asks for an object before waits for it. @default it does */
  filled?(bucket: string, key: string): Promise<void>;
  /** Answers a viewer in place of an origin. @default nobody does */
  readonly standsIn?: PublicOrigins["standsIn"];
  /** Starts what runs beside the program: before the program, and closed after it. @returns how to close it */
  beside?(state: State): Promise<() => Promise<void>>;
}

/** The program running on the stand-ins: any program, not just this product. */
export interface Core {
  /** Public URL, without a slash at the end. */
  readonly url: string;
  /** Where SDK clients go, with the credentials of a role, or of the administrator: `iam.credentialsOf`. */
  readonly gatewayUrl: string;
  /** How an SDK client calls the stand-ins. @param role the administrator when left out @param region the home region */
  aws(role?: string, region?: string): AwsAccess;
  readonly outputs: ProgramOutputs;
  readonly iam: Iam;
  readonly services: readonly LocalService[];
  readonly firehose: FirehoseService;
  /** Where the mails and messages are that would have left. */
  readonly outboxUrl: string;
  /** What CloudWatch shows of it. */
  readonly metrics: Metrics;
  /** Whose quotas hold it back, if any do. */
  readonly account: Account | undefined;
  /** Starts the functions that the first event goes through, before it comes. */
  warm(): Promise<void>;
  /** Leaves no deleted bytes in the state, as real services do in time. It happens by itself every hour. */
  scrub(): Promise<void>;
  readonly state: State;
  /** Cuts a region off from everybody, or brings it back: its functions stop, its endpoints and URLs don't answer. */
  cutOff(region: string, off: boolean): Promise<void>;
  /** Closes the listeners, finishes the work in progress, writes the state and frees all resources. */
  stop(): Promise<void>;
}

const ACCOUNT = "000000000000";
const SCRUB_MS = 3_600_000;
const QUOTAS_TOLD_MS = 1_000;

const portError = (port: number, cause: NodeJS.ErrnoException): Error => {
  if (cause.code === "EACCES")
    return new StartError(`Port ${port} may not be used by this user.\nChoose another port: PORT=8080 npm start`);
  if (cause.code !== "EADDRINUSE") return cause;
  return new StartError(
    `Port ${port} is taken by another program.\nStop that one, or choose another port: PORT=${port + 1} npm start`,
  );
};

/** Says before anything else is done when the port can't be had. @throws StartError */
async function tryPort(port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", (cause: NodeJS.ErrnoException) => reject(portError(port, cause)));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve()));
  });
}

/** @throws StartError with what to do about it; Error of a resource that could not be created */
export async function startCore(options: PlatformOptions): Promise<Core> {
  const project = resolve(options.project ?? join(import.meta.dirname, ".."));
  const stack = readStack(project);
  await tryPort(options.port);
  const state = openState(resolve(options.state), options.fresh ?? false);
  const log = withoutRepeats(options.log);
  warnOfFewFiles(log);
  const closers: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0))
      await close().catch((cause: unknown) => options.log(`stopping: ${String(cause)}`));
    state.release();
  };
  try {
    if (options.acceptFirst === true) helpersStepBack();
    const [gateway, closeBeside, outbox] = await Promise.all([
      startGateway(log),
      options.beside?.(state),
      startOutbox(join(state.directory, "outbox"), state.outboxPort),
    ]);
    state.remember({ outbox_port: outbox.port });
    closers.push(gateway.close, outbox.close);
    if (closeBeside !== undefined) closers.push(closeBeside);
    const metrics = new Metrics();
    const context: LocalContext = {
      state: state.directory,
      accountId: ACCOUNT,
      region: options.regions?.[0] ?? stack.config["aws:region"] ?? "us-east-1",
      endpoint: gateway.url,
      take: gateway.take,
      elsewhere: { "https://hooks.slack.com/": `${outbox.url}/slack/` },
      ownPorts: new Set([Number(new URL(gateway.url).port)]),
      log,
      metrics,
      ...defined({
        account: mapDefined(options.quotas, (quotas) => new Account(quotas)),
        acceptFirst: options.acceptFirst,
      }),
    };
    const { services, iam, keys, cloudfront, lambda, firehose } = await createServices(
      context,
      options,
      closers,
      outbox,
    );
    const examine = examiner(context, iam, keys);
    gateway.serve(services, iam);
    const told = new ToldOutputs();
    const standing: Standing = new Map();
    const declared: DeclaredResource[] = [];
    for (const run of stackRuns({ ...stack.config, ...options.config }, stack.name, options.regions)) {
      const outputs = await runProgram({
        ...run,
        entry: join(project, "index.ts"),
        project: stack.name,
        services,
        context,
        told: (other) => told.of(other),
        standing,
        examine: examine.one,
        onDeclared: (resource) => declared.push(resource),
        ...defined({ onCreated: options.onCreated }),
      });
      told.add(run.stack, outputs);
    }
    examine.all();
    const outputs = told.all();
    const { url } = await cloudfront.listen(options.port).catch((cause: NodeJS.ErrnoException) => {
      throw portError(options.port, cause);
    });
    // Before anything runs that might post to it.
    context.ownPorts?.add(Number(new URL(url).port));
    for (const service of services) await service.start?.();
    const scrub = async () => {
      for (const service of services) await service.scrub?.();
    };
    const timer = setInterval(() => {
      scrub().catch((cause: unknown) => log(`scrubbing: ${String(cause)}`));
    }, SCRUB_MS);
    closers.unshift(async () => clearInterval(timer));
    const { account } = context;
    if (account !== undefined) {
      const telling = setInterval(() => state.writeQuotas(account.told()), QUOTAS_TOLD_MS);
      closers.unshift(async () => {
        clearInterval(telling);
        state.writeQuotas(account.told());
      });
    }
    state.writeDeployment(stack.name, declared);
    const { accessKeyId, secretAccessKey } = iam.credentialsOf(ADMINISTRATOR);
    state.writeGateway({
      endpoint: gateway.url,
      access_key_id: accessKeyId,
      secret_access_key: secretAccessKey,
      outputs,
    });
    const cutOff = async (region: string, off: boolean): Promise<void> => {
      // What its functions have begun, they finish: a message that fails on the way would come back minutes later.
      await lambda.cutOff(region, off);
      gateway.cutOff(region, off);
    };
    return {
      url,
      gatewayUrl: gateway.url,
      outboxUrl: outbox.url,
      aws: (role = ADMINISTRATOR, region = context.region) => ({
        region,
        endpoint: gateway.url,
        credentials: iam.credentialsOf(role),
      }),
      outputs,
      iam,
      services,
      firehose,
      metrics,
      account,
      scrub,
      state,
      cutOff,
      warm: lambda.warm,
      stop,
    };
  } catch (cause) {
    await stop();
    throw stateError(cause, state.directory);
  }
}

async function createServices(
  context: LocalContext,
  options: PlatformOptions,
  closers: (() => Promise<void>)[],
  outbox: Outbox,
) {
  const activity = new Activity(context.log);
  const kms = await createKms(context);
  const keys = kms.policies;
  const iam = createIam(context, options.without === undefined ? { keys } : { keys, without: options.without });
  const [sqs, dynamodb, s3, secrets, rds, cache, random] = await Promise.all([
    createSqs(context),
    createDynamodb(context),
    createS3(context),
    createSecretsManager(context),
    createRds(context, { databaseUrl: process.env.DATABASE_URL, iam }),
    createElastiCache(context),
    createRandom(context),
  ]);
  const lambda = createLambda(context, iam, sqs.source, {
    onBatch: (name, records, failed, ms) => activity.batch(name, records, failed, ms),
  });
  const waf = createWaf(context);
  const apigateway = createApiGateway(context, {
    invoke: (functionArn, source, event) => lambda.invokeBy("apigateway.amazonaws.com", source, functionArn, event),
  });
  const cloudfront = createCloudFront(context, lambda, waf, s3, {
    ...defined({ ready: options.filled, standsIn: options.standsIn }),
    sockets: apigateway,
  });
  const firehose = createFirehose(context, (bucket, key, body, headers) => s3.objects.put(bucket, key, body, headers));
  const refused = (roleArn: string, authorizations: readonly Authorization[]) =>
    iam.refusal(roleArn.slice(roleArn.lastIndexOf("/") + 1), authorizations);
  const scheduler = createScheduler(context, { invoke: lambda.invokeAsync, refused });
  const quotas = createServiceQuotas(context);
  const cloudwatch = createCloudWatch(context, {
    metrics: context.metrics ?? new Metrics(),
    logs: lambda.logs,
    // AWS ties this quota to this metric, and no other that an alarm of ours names.
    quotaOf: ({ name }) => (name === "ConcurrentExecutions" ? quotas.value("L-B99A9384") : undefined),
  });
  const services: LocalService[] = [
    cloudwatch,
    createLogs(context, lambda.logs),
    quotas,
    cloudfront,
    cloudfront.management,
    apigateway,
    createLogDelivery(context, s3.writers),
    waf,
    scheduler,
    createSes(context, { outbox }),
    createSmsVoice(context, { outbox }),
    lambda,
    firehose,
    sqs,
    dynamodb,
    s3,
    secrets,
    kms,
    rds,
    cache,
    random,
    await createCognito(context, options.people ?? []),
    iam,
  ];
  // What takes work in closes first, what it relies on last.
  closers.unshift(...services.map((service) => async () => service.close()), async () => activity.flush());
  return { services, iam, keys, cloudfront, lambda, firehose };
}
