/** AWS Lambda on one machine: functions, permissions, Function URLs, event source mappings and the Invoke API. */
import { onlySupports, optional, required } from "./declared.ts";
import type { Iam } from "./iam.ts";
import { edgeRefusal } from "./lambda/atTheEdge.ts";
import { readFunction, readMapping } from "./lambda/declared.ts";
import { LambdaFunction, type Outcome } from "./lambda/function.ts";
import type { HttpAnswer, HttpRequest } from "./lambda/functionUrl.ts";
import { startInAdvance } from "./lambda/inAdvance.ts";
import { AsyncInvocations } from "./lambda/invocations.ts";
import { functionIn, invoke, textOf } from "./lambda/invokeApi.ts";
import { Mappings } from "./lambda/mappings.ts";
import { permissionStatement } from "./lambda/permission.ts";
import { type Entry, Registry } from "./lambda/registry.ts";
import { callUrl } from "./lambda/urls.ts";
import type { LocalContext, LocalService, QueueSource, ResourceRequest } from "./service.ts";

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
  /**
   * Starts a function for another service of AWS and waits for what it answers.
   * @param service `apigateway.amazonaws.com` @param sourceArn of what starts it; the function's permissions must name both
   * @throws ServiceError when they don't
   */
  invokeBy(service: string, sourceArn: string, functionArn: string, event: unknown): Promise<Outcome>;
  /** Where the lines of a log group lie, and when Lambda would have written its own line about a run last; by the group's name. */
  logs(): ReadonlyMap<string, { readonly path: string; readonly ranAt: number | undefined }>;
  /** Starts functions before they are needed: those that callers wait for, that queues feed, and that these may invoke. */
  warm(): Promise<void>;
  /** Stops the functions of a region and their URLs, except what runs at the edge, or lets them go on. */
  cutOff(region: string, off: boolean): Promise<void>;
}

export interface LambdaOptions {
  /** Told of every batch that a mapping processed. */
  onBatch(functionName: string, records: number, failed: number, ms: number): void;
}

/** Publishes how much of the region's concurrency is in use, and how much is kept. Source: Lambda Developer Guide, "Monitoring concurrency". */
function countConcurrency({ metrics }: LocalContext, registry: Registry): void {
  const gauge = (name: string, of: (entry: Entry) => number) =>
    metrics?.gauge("AWS/Lambda", name, {}, () => registry.all().reduce((sum, entry) => sum + of(entry), 0));
  gauge("ConcurrentExecutions", ({ lambda }) => lambda.active);
  gauge("UnreservedConcurrentExecutions", ({ lambda, settings }) =>
    settings.reservedConcurrency === undefined ? lambda.active : 0,
  );
  gauge("ClaimedAccountConcurrency", ({ lambda, settings }) => settings.reservedConcurrency ?? lambda.active);
}

export function createLambda(context: LocalContext, iam: Iam, queues: QueueSource, options: LambdaOptions): Lambda {
  const registry = new Registry(context.log);
  const mappings = new Mappings(context, iam, queues, options.onBatch);
  const invocations = new AsyncInvocations(context.log);
  const retries = new Map<string, number>();
  const edges = new Set<Entry>();
  const door = () => [...edges, ...registry.withUrl()];

  async function createFunction(request: ResourceRequest) {
    const { settings, state } = await readFunction(request, context, iam.credentialsOf);
    if (registry.has(settings.name)) throw new Error(`a function named ${settings.name} exists already`);
    if (!iam.trusts(settings.role, "lambda.amazonaws.com")) {
      throw new Error(
        `the role ${settings.role} can't be assumed by Lambda: its trust policy must name lambda.amazonaws.com`,
      );
    }
    const lambda = new LambdaFunction(settings, context);
    registry.add({ settings, lambda, permissions: [] });
    return { id: settings.name, state };
  }

  async function createPermission(request: ResourceRequest) {
    onlySupports(
      request,
      "action function principal sourceArn sourceAccount statementId qualifier functionUrlAuthType invokedViaFunctionUrl",
    );
    const { inputs } = request;
    registry.permit(registry.get(required(request, "function")), permissionStatement(request));
    const id = optional(inputs, "statementId", "string") ?? request.name;
    return { id, state: { ...inputs, statementId: id } };
  }

  async function createUrl(request: ResourceRequest) {
    onlySupports(request, "functionName authorizationType invokeMode qualifier");
    const entry = registry.get(required(request, "functionName"));
    if (required(request, "authorizationType") !== "AWS_IAM") {
      throw new Error("a Function URL must have the authorizationType AWS_IAM: NONE would make it public");
    }
    if ((request.inputs.invokeMode ?? "BUFFERED") !== "BUFFERED")
      throw new Error("only the invokeMode BUFFERED is supported locally");
    const urlId = entry.settings.name.toLowerCase().replace(/[^a-z0-9]/g, "");
    const domain = `${urlId}.lambda-url.${entry.settings.region}.on.aws`;
    registry.addUrl(domain, entry);
    const { arn } = entry.settings;
    return {
      id: entry.settings.name,
      state: { ...request.inputs, functionUrl: `https://${domain}/`, urlId, functionArn: arn },
    };
  }

  async function createMapping(request: ResourceRequest) {
    const { enabled, ...settings } = readMapping(request);
    const entry = registry.get(settings.functionName);
    // Nobody waits for what it returns.
    if (context.acceptFirst === true) entry.lambda.inBackground();
    mappings.add(entry, settings, enabled);
    return { id: request.name, state: { ...request.inputs, uuid: request.name, functionArn: entry.settings.arn } };
  }

  async function createInvocation(request: ResourceRequest) {
    onlySupports(request, "functionName input lifecycleScope qualifier terraformKey triggers tenantId");
    const entry = registry.get(required(request, "functionName"));
    const outcome = await entry.lambda.invoke({ json: required(request, "input") });
    if (outcome.kind === "throttled") throw new Error(`${entry.settings.name} has no concurrency left`);
    if (outcome.kind === "error")
      throw new Error(`${outcome.error.errorType}: ${outcome.error.errorMessage}\n${outcome.error.trace.join("\n")}`);
    return { id: request.name, state: { ...request.inputs, result: textOf(outcome) } };
  }

  async function createAlias(request: ResourceRequest) {
    onlySupports(request, "name functionName functionVersion description routingConfig");
    const { settings } = registry.get(required(request, "functionName"));
    const arn = `${settings.arn}:${required(request, "name")}`;
    return { id: arn, state: { ...request.inputs, arn, invokeArn: arn } };
  }

  async function createInvokeConfig(request: ResourceRequest) {
    onlySupports(request, "functionName maximumRetryAttempts maximumEventAgeInSeconds qualifier");
    const { settings } = registry.get(required(request, "functionName"));
    retries.set(settings.name, optional(request.inputs, "maximumRetryAttempts", "number") ?? 2);
    return { id: settings.name, state: { ...request.inputs } };
  }

  async function createRecursionConfig(request: ResourceRequest) {
    onlySupports(request, "functionName recursiveLoop");
    const { settings } = registry.get(required(request, "functionName"));
    const loop = required(request, "recursiveLoop");
    if (loop !== "Allow" && loop !== "Terminate") throw new Error(`recursiveLoop is ${loop}, not Allow or Terminate`);
    if (loop === "Allow") mappings.allowLoop(settings.name);
    return { id: settings.name, state: { ...request.inputs } };
  }

  const later = ({ settings, lambda }: Entry, json: string): void =>
    invocations.add(settings.name, () => lambda.invoke({ json }), retries.get(settings.name) ?? 2);

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
        { action: "lambda:InvokeFunction", resources: [registry.get(functionIn(call)).settings.arn] },
      ],
      call: (call) => invoke(registry.get(functionIn(call)), call, later),
    },
    async start() {
      countConcurrency(context, registry);
      mappings.start();
    },
    warm: () => startInAdvance(door(), mappings.functions(), registry.all(), iam, context.acceptFirst === true),
    async cutOff(region, off) {
      registry.cutOff(region, off);
      await mappings.cutOff(region, off);
    },
    invokeAsync: async (functionArn, payload) => {
      const entry = registry.get(functionArn);
      if (registry.isAway(entry)) throw new Error(`${entry.settings.region} is cut off`);
      if (context.acceptFirst === true) entry.lambda.inBackground();
      later(entry, JSON.stringify(payload));
    },
    edgeFunction(versionArn) {
      const entry = registry.get(versionArn);
      const { settings, lambda } = entry;
      const refusal = edgeRefusal(settings, versionArn, iam.trusts(settings.role, "edgelambda.amazonaws.com"));
      if (refusal !== undefined) throw new Error(`the function ${settings.name} can't run at the edge: ${refusal}`);
      edges.add(entry);
      return context.account === undefined ? lambda : lambda.atTheEdge();
    },
    hasUrl: (domain) => registry.atUrl(domain) !== undefined,
    invokeBy: (...asked) => registry.invokeBy(...asked),
    logs: () => registry.logs(),
    callUrl: (domain, request, sourceArn) => callUrl(registry, context, domain, request, sourceArn),
    async close() {
      await mappings.stop();
      await invocations.close();
      await Promise.all(registry.all().map(({ lambda }) => lambda.close()));
    },
  };
}
