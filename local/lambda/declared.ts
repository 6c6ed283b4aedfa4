/** Reads what the program declares of functions, and refuses what Lambda would refuse. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "../cache.ts";
import type { Credentials } from "../credentials.ts";
import { list, nameIn, onlySupports, optional, physicalName, regionOf, required } from "../declared.ts";
import type { Inputs, LocalContext, ResourceRequest } from "../service.ts";
import { unpackCode } from "./code.ts";
import { ENVIRONMENTS, type FunctionSettings } from "./function.ts";
import type { MappingSettings } from "./mapping.ts";

const ARGUMENTS =
  "name code handler runtime role environment timeout memorySize architectures publish description packageType layers reservedConcurrentExecutions vpcConfig kmsKeyArn loggingConfig tracingConfig deadLetterConfig ephemeralStorage skipDestroy replaceSecurityGroupsOnDestroy sourceCodeHash codeSha256";

/** Environment variables that Lambda keeps for itself ("Using Lambda environment variables"). */
const RESERVED =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(REGION|DEFAULT_REGION|EXECUTION_ENV|LAMBDA_.*|ACCESS_KEY(_ID)?|SECRET_ACCESS_KEY|SESSION_TOKEN)|LAMBDA_(TASK_ROOT|RUNTIME_DIR))$/;
const ENVIRONMENT_LIMIT = 4096;

/**
 * How many invocations run at once for one queue. Two queues of one function have less than its environments together, so one is worked
 * off even while all invocations of the other hang.
 */
const CONCURRENCY = Math.floor((ENVIRONMENTS - 1) / 2);

export interface DeclaredFunction extends FunctionSettings {
  readonly role: string;
  readonly region: string;
  readonly architecture: string;
  readonly declaredVariables: number;
  /** Name of the log group that its lines go to. */
  readonly logGroup: string;
  readonly inVpc: boolean;
}

/** @throws Error naming what Lambda would not accept */
export async function readFunction(
  request: ResourceRequest,
  context: LocalContext,
  credentialsOf: (role: string) => Credentials,
): Promise<{ settings: DeclaredFunction; state: Record<string, unknown> }> {
  onlySupports(request, ARGUMENTS);
  const { inputs } = request;
  const name = physicalName(request);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) throw new Error(`"${name}" is not a function's name`);
  const runtime = required(request, "runtime");
  if (!/^nodejs\d+\.x$/.test(runtime)) throw new Error(`only Node.js runtimes run locally, not ${runtime}`);
  if (list(inputs.layers).length > 0) throw new Error("layers are not supported locally");
  const region = regionOf(request, context);
  const memoryMb = number(inputs, "memorySize", 128, 128, 10_240);
  const timeout = number(inputs, "timeout", 3, 1, 900);
  const reserved = optional(inputs, "reservedConcurrentExecutions", "number") ?? -1;
  const role = nameIn(required(request, "role"));
  const variables = variablesOf(inputs.environment);

  const { directory, hash, size } = await unpackCode(inputs.code, cacheFolder("functions"));
  const [file = "", exportName = ""] = splitHandler(required(request, "handler"));
  const module = [".mjs", ".js", ".cjs"]
    .map((ending) => join(directory, file + ending))
    .find((path) => existsSync(path));
  if (module === undefined) throw new Error(`the archive has no module "${file}" for the handler`);
  const logs = join(context.state, "logs");
  mkdirSync(logs, { recursive: true });

  const arn = `arn:aws:lambda:${region}:${context.accountId}:function:${name}`;
  const version = inputs.publish === true ? "1" : "$LATEST";
  const settings: DeclaredFunction = {
    name,
    arn,
    version,
    module,
    exportName,
    memoryMb,
    timeoutMs: timeout * 1000,
    reservedConcurrency: reserved < 0 ? undefined : reserved,
    environment: {
      ...runtimeVariables({ name, version, region, memoryMb, directory }, credentialsOf(role)),
      AWS_ENDPOINT_URL: context.endpoint,
      ...variables,
    },
    logGroup: logGroupOf(inputs) ?? `/aws/lambda/${name}`,
    ownPorts: context.ownPorts,
    elsewhere: context.elsewhere,
    logFile: join(logs, `${name}.log`),
    role,
    region,
    architecture: ((inputs.architectures as string[] | undefined) ?? ["x86_64"])[0] as string,
    declaredVariables: Object.keys(variables).length,
    inVpc: list((inputs.vpcConfig as Inputs | undefined)?.subnetIds).length > 0,
  };
  return {
    settings,
    state: {
      ...inputs,
      name,
      arn,
      invokeArn: `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${arn}/invocations`,
      version,
      qualifiedArn: `${arn}:${version}`,
      qualifiedInvokeArn: `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${arn}:${version}/invocations`,
      lastModified: "2026-01-01T00:00:00.000+0000",
      codeSha256: hash,
      sourceCodeSize: size,
      region,
    },
  };
}

/** Where lines go to, as declared. @throws Error where Lambda refuses what is declared of them */
export function logGroupOf({ loggingConfig }: Inputs): string | undefined {
  const { logFormat = "Text", systemLogLevel, applicationLogLevel, logGroup } = list(loggingConfig)[0] ?? {};
  const allowed = { logFormat: FORMATS, systemLogLevel: SYSTEM_LEVELS, applicationLogLevel: APPLICATION_LEVELS };
  const given = { logFormat, systemLogLevel, applicationLogLevel };
  for (const [member, values] of Object.entries(allowed)) {
    const value = given[member as keyof typeof given];
    if (value !== undefined && !values.includes(value as string))
      throw new Error(`${member} is one of ${values.join(", ")}, not ${String(value)}`);
  }
  if (logFormat === "Text" && (systemLogLevel !== undefined || applicationLogLevel !== undefined))
    throw new Error("levels of log lines can be set only where logFormat is JSON");
  return logGroup as string | undefined;
}
/** https://docs.aws.amazon.com/lambda/latest/api/API_LoggingConfig.html */
const FORMATS = ["JSON", "Text"];
const SYSTEM_LEVELS = ["DEBUG", "INFO", "WARN"];
const APPLICATION_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

function number(inputs: Inputs, member: string, fallback: number, least: number, most: number): number {
  const value = optional(inputs, member, "number") ?? fallback;
  if (value < least || value > most) throw new Error(`${member} must be between ${least} and ${most}, not ${value}`);
  return value;
}

function splitHandler(handler: string): [string, string] {
  const dot = handler.lastIndexOf(".");
  if (dot < 1) throw new Error(`the handler must be <file>.<export>, not "${handler}"`);
  return [handler.slice(0, dot), handler.slice(dot + 1)];
}

function variablesOf(environment: unknown): Record<string, string> {
  const variables = ((environment as Inputs | undefined)?.variables ?? {}) as Record<string, unknown>;
  for (const [name, value] of Object.entries(variables)) {
    if (RESERVED.test(name)) throw new Error(`Lambda keeps the environment variable ${name} for itself`);
    if (!/^[A-Za-z][A-Za-z0-9_]+$/.test(name)) throw new Error(`"${name}" is not the name of an environment variable`);
    if (typeof value !== "string") throw new Error(`the environment variable ${name} is not text`);
  }
  const size = Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + String(value).length, 0);
  if (size > ENVIRONMENT_LIMIT)
    throw new Error(`the environment has ${size} bytes, Lambda allows ${ENVIRONMENT_LIMIT}`);
  return variables as Record<string, string>;
}

/** The variables that Lambda itself sets. Only here there is AWS_ENDPOINT_URL as well: the gateway of this machine. */
function runtimeVariables(
  {
    name,
    version,
    region,
    memoryMb,
    directory,
  }: Pick<DeclaredFunction, "name" | "version" | "region" | "memoryMb"> & { readonly directory: string },
  credentials: Credentials,
): Record<string, string> {
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    LAMBDA_TASK_ROOT: directory,
    TZ: ":UTC",
  };
}

const MAPPING =
  "eventSourceArn functionName batchSize maximumBatchingWindowInSeconds functionResponseTypes scalingConfig enabled provisionedPollerConfig kmsKeyArn metricsConfig";

/** @throws Error naming the argument that Lambda would refuse, or that this stand-in lacks */
export function readMapping(request: ResourceRequest): MappingSettings & { enabled: boolean } {
  onlySupports(request, MAPPING);
  const { inputs } = request;
  const queueArn = required(request, "eventSourceArn");
  if (!queueArn.startsWith("arn:aws:sqs:")) throw new Error(`only SQS queues can be mapped locally, not ${queueArn}`);
  const window = optional(inputs, "maximumBatchingWindowInSeconds", "number") ?? 0;
  const batchSize = optional(inputs, "batchSize", "number") ?? 10;
  if (batchSize < 1 || batchSize > 10_000) throw new Error(`batchSize must be between 1 and 10000, not ${batchSize}`);
  if (batchSize > 10 && window < 1)
    throw new Error("a batchSize over 10 needs maximumBatchingWindowInSeconds of at least 1");
  if (window < 0 || window > 300)
    throw new Error(`maximumBatchingWindowInSeconds must be between 0 and 300, not ${window}`);
  const scaling = (inputs.scalingConfig as Inputs | undefined)?.maximumConcurrency;
  if (scaling !== undefined && (Number(scaling) < 2 || Number(scaling) > 1_000)) {
    throw new Error(`maximumConcurrency must be between 2 and 1000, not ${String(scaling)}`);
  }
  const types = (inputs.functionResponseTypes ?? []) as string[];
  for (const type of types)
    if (type !== "ReportBatchItemFailures") throw new Error(`unknown function response type ${type}`);
  return {
    queueArn,
    functionName: functionNameOf(required(request, "functionName")),
    batchSize,
    windowMs: window * 1000,
    maximumConcurrency: Math.min(CONCURRENCY, Number(scaling ?? CONCURRENCY)),
    partialFailures: types.includes("ReportBatchItemFailures"),
    enabled: inputs.enabled !== false,
  };
}

/** The name in a function's name or ARN, with or without a version or alias. */
export function functionNameOf(nameOrArn: string): string {
  const parts = nameOrArn.split(":");
  if (parts.length >= 7 && parts[5] === "function") return parts[6] as string;
  return parts[0] as string;
}
