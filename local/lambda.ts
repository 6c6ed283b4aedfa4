/** AWS Lambda on one machine: functions, permissions, Function URLs, event source mappings and the Invoke API. */
import { randomUUID } from "node:crypto";
import { onlySupports, optional, required } from "./declared.ts";
import type { Iam } from "./iam.ts";
import { evaluate, type Statement, wildcard } from "./iamPolicy.ts";
import { type DeclaredFunction, functionNameOf, readFunction, readMapping } from "./lambda/declared.ts";
import { LambdaFunction, type Outcome } from "./lambda/function.ts";
import { type HttpAnswer, type HttpRequest, SYNC_LIMIT, urlAnswer, urlEvent } from "./lambda/functionUrl.ts";
import { ASYNC_LIMIT, AsyncInvocations } from "./lambda/invocations.ts";
import { QueueMapping } from "./lambda/mapping.ts";
import {
  type ApiAnswer,
  type ApiCall,
  type LocalContext,
  type LocalService,
  type QueueSource,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

export interface Lambda extends LocalService {
  /** For schedules: asynchronously, with Lambda's retries. Rejects for an unknown function. */
  invokeAsync(functionArn: string, payload: unknown): Promise<void>;
  /** The function of a version's ARN that a distribution runs at the edge. @throws Error naming what the edge would refuse */
  edgeFunction(versionArn: string): LambdaFunction;
  /**
   * A request that a distribution has signed for the Function URL at `domain`.
   * @param sourceArn of the distribution, which the function's permissions must name
   */
  callUrl(domain: string, request: HttpRequest, sourceArn: string): Promise<HttpAnswer>;
  hasUrl(domain: string): boolean;
  /** Where the lines of a log group lie, and when Lambda would have written its own line about a run last; by the group's name. */
  logs(): ReadonlyMap<string, { readonly path: string; readonly ranAt: number | undefined }>;
  /** Stops the functions of a region and their URLs, except what runs at the edge, or lets them go on. */
  cutOff(region: string, off: boolean): Promise<void>;
}

export interface LambdaOptions {
  /** Told of every batch that a mapping processed. */
  readonly onBatch: (functionName: string, records: number, failed: number, ms: number) => void;
}

interface Entry {
  readonly settings: DeclaredFunction;
  readonly lambda: LambdaFunction;
  readonly permissions: Statement[];
}

const forbidden: HttpAnswer = {
  status: 403,
  headers: { "content-type": "application/json", "x-amzn-errortype": "AccessDeniedException" },
  body: '{"Message":"Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"}',
};

/** What CloudFront says for an origin that does not answer. */
const silence: HttpAnswer = {
  status: 504,
  headers: { "content-type": "text/html" },
  body: "The origin did not answer.",
};

export function createLambda(context: LocalContext, iam: Iam, queues: QueueSource, options: LambdaOptions): Lambda {
  const functions = new Map<string, Entry>();
  const urls = new Map<string, Entry>();
  const mappings: { mapping: QueueMapping; enabled: boolean; entry: Entry }[] = [];
  const invocations = new AsyncInvocations(context.log);
  const retries = new Map<string, number>();
  const permitted = new Map<string, boolean>();
  const away = new Set<string>();
  /** Names of functions that may feed themselves. */
  const loops = new Set<string>();

  function entryOf(nameOrArn: string): Entry {
    const entry = functions.get(functionNameOf(nameOrArn));
    if (entry === undefined) {
      throw new ServiceError("ResourceNotFoundException", `Function not found: ${nameOrArn}`, 404);
    }
    return entry;
  }

  async function createFunction(request: ResourceRequest) {
    const { settings, state } = await readFunction(request, context, iam.credentialsOf);
    if (functions.has(settings.name)) throw new Error(`a function named ${settings.name} exists already`);
    if (!iam.trusts(settings.role, "lambda.amazonaws.com")) {
      throw new Error(
        `the role ${settings.role} can't be assumed by Lambda: its trust policy must name lambda.amazonaws.com`,
      );
    }
    functions.set(settings.name, {
      settings,
      lambda: new LambdaFunction(settings, context.log, context.metrics, context.account),
      permissions: [],
    });
    return { id: settings.name, state };
  }

  async function createPermission(request: ResourceRequest) {
    onlySupports(
      request,
      "action function principal sourceArn sourceAccount statementId qualifier functionUrlAuthType invokedViaFunctionUrl",
    );
    const { inputs } = request;
    const entry = entryOf(required(request, "function"));
    const action = required(request, "action");
    const principal = required(request, "principal");
    const sourceArn = optional(inputs, "sourceArn", "string");
    const authType = optional(inputs, "functionUrlAuthType", "string");
    const viaUrl = optional(inputs, "invokedViaFunctionUrl", "boolean");
    const matches = wildcard(sourceArn ?? "*");
    entry.permissions.push({
      allow: true,
      appliesTo: (asked) =>
        asked.action === action &&
        asked.context["aws:principalservicename"] === principal &&
        matches(String(asked.context["aws:sourcearn"] ?? "")) &&
        (authType === undefined || asked.context["lambda:functionurlauthtype"] === authType) &&
        (viaUrl === undefined || asked.context["lambda:invokedviafunctionurl"] === String(viaUrl)),
    });
    permitted.clear();
    const id = optional(inputs, "statementId", "string") ?? request.name;
    return { id, state: { ...inputs, statementId: id } };
  }

  async function createUrl(request: ResourceRequest) {
    onlySupports(request, "functionName authorizationType invokeMode qualifier");
    const entry = entryOf(required(request, "functionName"));
    if (required(request, "authorizationType") !== "AWS_IAM") {
      throw new Error("a Function URL must have the authorizationType AWS_IAM: NONE would make it public");
    }
    if ((request.inputs.invokeMode ?? "BUFFERED") !== "BUFFERED")
      throw new Error("only the invokeMode BUFFERED is supported locally");
    const urlId = entry.settings.name.toLowerCase().replace(/[^a-z0-9]/g, "");
    const domain = `${urlId}.lambda-url.${entry.settings.region}.on.aws`;
    if (urls.has(domain)) throw new Error(`the function ${entry.settings.name} has a URL already`);
    urls.set(domain, entry);
    const { arn } = entry.settings;
    return {
      id: entry.settings.name,
      state: { ...request.inputs, functionUrl: `https://${domain}/`, urlId, functionArn: arn },
    };
  }

  async function createMapping(request: ResourceRequest) {
    const { enabled, ...settings } = readMapping(request);
    const entry = entryOf(settings.functionName);
    const mapping = new QueueMapping(
      settings,
      queues,
      (records) => entry.lambda.invoke({ event: { Records: records } }),
      (records, failed, ms) => options.onBatch(entry.settings.name, records, failed, ms),
      (cause) => context.log(`${entry.settings.name}: the mapping of ${settings.queueArn} stopped: ${String(cause)}`),
      context.account,
    );
    mappings.push({ mapping, enabled, entry });
    return { id: request.name, state: { ...request.inputs, uuid: request.name, functionArn: entry.settings.arn } };
  }

  async function createInvocation(request: ResourceRequest) {
    onlySupports(request, "functionName input lifecycleScope qualifier terraformKey triggers tenantId");
    const entry = entryOf(required(request, "functionName"));
    const outcome = await entry.lambda.invoke({ json: required(request, "input") });
    if (outcome.kind === "throttled") throw new Error(`${entry.settings.name} has no concurrency left`);
    if (outcome.kind === "error")
      throw new Error(`${outcome.error.errorType}: ${outcome.error.errorMessage}\n${outcome.error.trace.join("\n")}`);
    return { id: request.name, state: { ...request.inputs, result: textOf(outcome) } };
  }

  async function createAlias(request: ResourceRequest) {
    onlySupports(request, "name functionName functionVersion description routingConfig");
    const { settings } = entryOf(required(request, "functionName"));
    const arn = `${settings.arn}:${required(request, "name")}`;
    return { id: arn, state: { ...request.inputs, arn, invokeArn: arn } };
  }

  async function createInvokeConfig(request: ResourceRequest) {
    onlySupports(request, "functionName maximumRetryAttempts maximumEventAgeInSeconds qualifier");
    const { settings } = entryOf(required(request, "functionName"));
    retries.set(settings.name, optional(request.inputs, "maximumRetryAttempts", "number") ?? 2);
    return { id: settings.name, state: { ...request.inputs } };
  }

  async function createRecursionConfig(request: ResourceRequest) {
    onlySupports(request, "functionName recursiveLoop");
    const { settings } = entryOf(required(request, "functionName"));
    const loop = required(request, "recursiveLoop");
    if (loop !== "Allow" && loop !== "Terminate") throw new Error(`recursiveLoop is ${loop}, not Allow or Terminate`);
    if (loop === "Allow") loops.add(settings.name);
    return { id: settings.name, state: { ...request.inputs } };
  }

  /**
   * Lambda breaks off a chain of 16 invocations that a function and its queue make of each other, unless it was told that
   * they are meant to. Here the program is refused that could run into that.
   */
  function checkLoop({ settings }: Entry, queueArn: string): void {
    if (iam.may(settings.role, "sqs:SendMessage", queueArn) && !loops.has(settings.name)) {
      throw new Error(
        `the function ${settings.name} may send to ${queueArn}, which feeds it: AWS would stop it after 16 such invocations ` +
          `in a chain. Declare a FunctionRecursionConfig with recursiveLoop "Allow", or take the permission away.`,
      );
    }
  }

  async function invoke(call: ApiCall): Promise<ApiAnswer> {
    const entry = entryOf(functionIn(call));
    const type = call.headers["x-amz-invocation-type"] ?? "RequestResponse";
    const json = call.body.length === 0 ? "{}" : call.body.toString("utf8");
    const limit = type === "Event" ? ASYNC_LIMIT : SYNC_LIMIT;
    if (call.body.length > limit) {
      throw new ServiceError(
        "RequestTooLargeException",
        `Request must be smaller than ${limit} bytes for the InvokeFunction operation`,
        413,
      );
    }
    const headers = {
      "content-type": "application/json",
      "x-amzn-requestid": randomUUID(),
      "x-amz-executed-version": entry.settings.version,
    };
    if (type === "DryRun") return { status: 204, headers, body: "" };
    if (type === "Event") {
      invocations.add(entry.settings.name, () => entry.lambda.invoke({ json }), retries.get(entry.settings.name) ?? 2);
      return { status: 202, headers, body: "" };
    }
    const outcome = await entry.lambda.invoke({ json });
    if (outcome.kind === "throttled") throw new ServiceError("TooManyRequestsException", "Rate Exceeded.", 429);
    if (outcome.kind === "error") {
      return {
        status: 200,
        headers: { ...headers, "x-amz-function-error": "Unhandled" },
        body: JSON.stringify(outcome.error),
      };
    }
    const body = textOf(outcome);
    if (body.length > SYNC_LIMIT) {
      const error = {
        errorType: "Function.ResponseSizeTooLarge",
        errorMessage: `Response payload size exceeded maximum allowed payload size (${SYNC_LIMIT} bytes).`,
      };
      return { status: 200, headers: { ...headers, "x-amz-function-error": "Unhandled" }, body: JSON.stringify(error) };
    }
    return { status: 200, headers, body };
  }

  /** Both permissions that a Function URL behind a distribution needs (since October 2025 the second one as well). */
  function mayCallUrl(entry: Entry, sourceArn: string): boolean {
    const key = `${entry.settings.name}\n${sourceArn}`;
    const known = permitted.get(key);
    if (known !== undefined) return known;
    const asked = {
      "aws:sourcearn": sourceArn,
      "aws:principalservicename": "cloudfront.amazonaws.com",
      "lambda:functionurlauthtype": "AWS_IAM",
      "lambda:invokedviafunctionurl": "true",
    };
    const resource = entry.settings.arn;
    const missing = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"].filter(
      (action) => evaluate(entry.permissions, { action, resource, context: asked }) !== "allow",
    );
    for (const action of missing) {
      context.log(
        `AccessDenied cloudfront.amazonaws.com (${sourceArn}) is not authorized to perform: ${action} on resource: ${resource}`,
      );
    }
    permitted.set(key, missing.length === 0);
    return missing.length === 0;
  }

  return {
    resources: {
      "aws:lambda/function:Function": createFunction,
      "aws:lambda/permission:Permission": createPermission,
      "aws:lambda/functionUrl:FunctionUrl": createUrl,
      "aws:lambda/eventSourceMapping:EventSourceMapping": createMapping,
      "aws:lambda/invocation:Invocation": createInvocation,
      "aws:lambda/alias:Alias": createAlias,
      "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": createInvokeConfig,
      "aws:lambda/functionRecursionConfig:FunctionRecursionConfig": createRecursionConfig,
    },
    api: {
      name: "lambda",
      authorizations: (call) => [
        { action: "lambda:InvokeFunction", resources: [entryOf(functionIn(call)).settings.arn] },
      ],
      call: invoke,
    },
    async start() {
      context.metrics?.gauge("AWS/Lambda", "ConcurrentExecutions", {}, () =>
        [...functions.values()].reduce((sum, { lambda }) => sum + lambda.active, 0),
      );
      for (const { mapping, enabled, entry } of mappings) {
        const actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        const needed = actions.map((action) => ({ action, resources: [mapping.settings.queueArn] }));
        const refusal = iam.refusal(entry.settings.role, needed);
        if (refusal !== undefined) {
          throw new Error(
            `the mapping of ${refusal.resource} to ${entry.settings.name}: the role ${refusal.role} lacks ${refusal.action} on ${refusal.resource}`,
          );
        }
        checkLoop(entry, mapping.settings.queueArn);
        if (enabled) mapping.start();
      }
    },
    async cutOff(region, off) {
      const here = mappings.filter(({ enabled, entry }) => enabled && entry.settings.region === region);
      if (off) {
        away.add(region);
        await Promise.all(here.map(({ mapping }) => mapping.stop()));
      } else {
        away.delete(region);
        for (const { mapping } of here) mapping.start();
      }
    },
    invokeAsync: async (functionArn, payload) => {
      const entry = entryOf(functionArn);
      if (away.has(entry.settings.region)) throw new Error(`${entry.settings.region} is cut off`);
      const json = JSON.stringify(payload);
      invocations.add(entry.settings.name, () => entry.lambda.invoke({ json }), retries.get(entry.settings.name) ?? 2);
    },
    edgeFunction(versionArn) {
      const { settings, lambda } = entryOf(versionArn);
      const refuse = (why: string) => new Error(`the function ${settings.name} can't run at the edge: ${why}`);
      if (!/:\d+$/.test(versionArn)) throw refuse(`${versionArn} is not the ARN of a numbered version`);
      if (settings.region !== "us-east-1") throw refuse("it must be in us-east-1");
      if (settings.declaredVariables > 0) throw refuse("it has environment variables");
      if (settings.architecture !== "x86_64") throw refuse(`it is ${settings.architecture}, not x86_64`);
      if (settings.inVpc) throw refuse("it is in a VPC");
      if (settings.timeoutMs > 30_000) throw refuse("its timeout is over 30 s");
      if (settings.reservedConcurrency !== undefined) throw refuse("it has reserved concurrency");
      if (!iam.trusts(settings.role, "edgelambda.amazonaws.com"))
        throw refuse("its role's trust policy doesn't name edgelambda.amazonaws.com");
      return context.account === undefined ? lambda : lambda.atTheEdge();
    },
    hasUrl: (domain) => urls.has(domain),
    logs: () =>
      new Map(
        [...functions.values()].map(({ settings, lambda }) => [
          settings.logGroup,
          { path: settings.logFile, ranAt: lambda.ranAt },
        ]),
      ),
    async callUrl(domain, request, sourceArn) {
      const entry = urls.get(domain);
      if (entry !== undefined && away.has(entry.settings.region)) return silence;
      if (entry === undefined || !mayCallUrl(entry, sourceArn)) return forbidden;
      const event = urlEvent(request, domain, context.accountId, randomUUID(), Date.now());
      if (request.body.length > SYNC_LIMIT) {
        return {
          status: 413,
          headers: { "content-type": "application/json" },
          body: '{"Message":"Request Entity Too Large"}',
        };
      }
      const began = performance.now();
      const answer = urlAnswer(await entry.lambda.invoke({ event }));
      const FunctionName = entry.settings.name;
      const publish = (metric: string, value: number) =>
        context.metrics?.record("AWS/Lambda", metric, { FunctionName }, value);
      publish("UrlRequestCount", 1);
      publish("Url4xxCount", answer.status >= 400 && answer.status < 500 ? 1 : 0);
      publish("Url5xxCount", answer.status >= 500 ? 1 : 0);
      publish("UrlRequestLatency", performance.now() - began);
      return answer;
    },
    async close() {
      await Promise.all(mappings.filter(({ enabled }) => enabled).map(({ mapping }) => mapping.stop()));
      await invocations.close();
      await Promise.all([...functions.values()].map(({ lambda }) => lambda.close()));
    },
  };
}

const INVOKE = /^\/2015-03-31\/functions\/([^/?]+)\/invocations/;

/** @throws ServiceError for anything but Invoke */
function functionIn(call: ApiCall): string {
  const name = INVOKE.exec(call.url)?.[1];
  if (name === undefined || call.method !== "POST") {
    throw new ServiceError(
      "UnknownOperationException",
      `the local platform answers only Invoke of Lambda's API, not ${call.method} ${call.url}`,
      404,
    );
  }
  return decodeURIComponent(name);
}

/** The whole result as JSON text. */
function textOf(outcome: Extract<Outcome, { kind: "result" }>): string {
  const { json, body } = outcome.result;
  return body === undefined ? json : JSON.stringify({ ...(JSON.parse(json) as object), body });
}
