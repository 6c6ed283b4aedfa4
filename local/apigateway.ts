/**
 * Amazon API Gateway on one machine: WebSocket APIs whose routes are functions, and `@connections`. It closes and refuses what the service
 * does (apigateway/socketApi.ts has the figures). Sockets end with the process; ids stay, so what was issued for them does too.
 */
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import {
  type Handshake,
  type InvokeBy,
  MESSAGE_BYTES,
  type SocketAuthorizer,
  type SocketRoute,
  type SocketStage,
  Sockets,
} from "./apigateway/socketApi.ts";
import { list, onlySupports, optional, physicalName, regionOf, required } from "./declared.ts";
import type { HttpAnswer } from "./lambda/functionUrl.ts";
import {
  type ApiCall,
  type Authorization,
  type Created,
  type Inputs,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

/** A handshake, and where it goes: the first segment of the path names the stage. */
export interface HandedOn extends Handshake {
  readonly host: string;
  readonly path: string;
}

export interface ApiGateway extends LocalService {
  /** Whether a WebSocket API is reached under this name. */
  hasHost(host: string): boolean;
  /** Takes over the socket of a handshake that a distribution hands on. */
  open(asked: HandedOn, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  /** Closes every socket, and waits for what their functions do about it. */
  endSockets(): Promise<void>;
  /** What a request gets that is no handshake. */
  plain(): HttpAnswer;
}

export interface ApiGatewayOptions {
  readonly invoke: InvokeBy;
  /** Milliseconds since the epoch. @default the system's clock */
  now?(): number;
}

interface SocketApi {
  readonly id: string;
  readonly region: string;
  readonly selects: string;
  readonly integrations: Map<string, string>;
  readonly authorizers: Map<string, SocketAuthorizer>;
  readonly routes: Map<string, SocketRoute & { readonly authorizerId: string | undefined }>;
  readonly stages: Map<string, SocketStage>;
}

const SWEEP_MS = 1_000;
/** `$request.body.action`: what messages name their route by. */
const SELECTION = /^\$request\.body\.([A-Za-z0-9_]+)$/;
/** `arn:…:lambda:path/2015-03-31/functions/<ARN>/invocations`, as a function's `invokeArn` is. */
const INVOKED = /\/functions\/(arn:[^/]+)\/invocations$/;

const hostOf = ({ id, region }: SocketApi): string => `${id}.execute-api.${region}.amazonaws.com`;
const idOf = (name: string): string => createHash("sha256").update(name).digest("hex").slice(0, 10);

function apiOf(apis: Apis, request: ResourceRequest): SocketApi {
  const api = apis.get(required(request, "apiId"));
  if (api === undefined) throw new Error(`${request.name}: there is no API ${String(request.inputs.apiId)}`);
  return api;
}

function functionIn(uri: string, what: string): string {
  const arn = INVOKED.exec(uri)?.[1] ?? (uri.startsWith("arn:aws:lambda:") ? uri : undefined);
  if (arn === undefined) throw new Error(`${what}: ${uri} is no function's invokeArn`);
  return arn;
}

type Apis = Map<string, SocketApi>;

/** APIs, and what their routes are made of. */
function apiResources(context: LocalContext, apis: Apis): LocalService["resources"] {
  async function createApi(request: ResourceRequest): Promise<Created> {
    onlySupports(
      request,
      "name protocolType routeSelectionExpression description disableExecuteApiEndpoint ipAddressType apiKeySelectionExpression",
    );
    if (required(request, "protocolType") !== "WEBSOCKET")
      throw new Error(`${request.name}: the local platform serves only WebSocket APIs of API Gateway`);
    if (request.inputs.disableExecuteApiEndpoint === true)
      throw new Error(`${request.name}: its own endpoint is disabled, and the local platform serves no other`);
    const expression = required(request, "routeSelectionExpression");
    const selects = SELECTION.exec(expression)?.[1];
    if (selects === undefined)
      throw new Error(`${request.name}: routeSelectionExpression is ${expression}, not $request.body.<member>`);
    const id = idOf(request.name);
    const region = regionOf(request, context);
    const api: SocketApi = {
      ...{ id, region, selects },
      integrations: new Map(),
      authorizers: new Map(),
      routes: new Map(),
      stages: new Map(),
    };
    apis.set(id, api);
    return {
      id,
      state: {
        ...request.inputs,
        name: physicalName(request),
        arn: `arn:aws:apigateway:${region}::/apis/${id}`,
        apiEndpoint: `wss://${hostOf(api)}`,
        executionArn: `arn:aws:execute-api:${region}:${context.accountId}:${id}`,
      },
    };
  }

  async function createAuthorizer(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "apiId name authorizerType authorizerUri identitySources");
    const api = apiOf(apis, request);
    if (required(request, "authorizerType") !== "REQUEST")
      throw new Error(`${request.name}: a WebSocket API takes only an authorizer of the type REQUEST`);
    const id = idOf(request.name);
    api.authorizers.set(id, {
      id,
      function: functionIn(required(request, "authorizerUri"), request.name),
      identitySources: (request.inputs.identitySources as string[] | undefined) ?? [],
    });
    return { id, state: { ...request.inputs } };
  }

  async function createIntegration(request: ResourceRequest): Promise<Created> {
    onlySupports(
      request,
      "apiId integrationType integrationUri integrationMethod connectionType contentHandlingStrategy passthroughBehavior timeoutMilliseconds description",
    );
    const api = apiOf(apis, request);
    if (required(request, "integrationType") !== "AWS_PROXY")
      throw new Error(`${request.name}: only the integrationType AWS_PROXY is supported locally`);
    const id = idOf(request.name);
    api.integrations.set(id, functionIn(required(request, "integrationUri"), request.name));
    return { id, state: { ...request.inputs } };
  }

  return {
    "aws:apigatewayv2/api:Api": createApi,
    "aws:apigatewayv2/authorizer:Authorizer": createAuthorizer,
    "aws:apigatewayv2/integration:Integration": createIntegration,
  };
}

/** Routes, and the stages that they are reached at. */
function routeResources(context: LocalContext, apis: Apis): LocalService["resources"] {
  /** Role by which the account's APIs write their access logs, by region. */
  const logRoles = new Map<string, string>();

  async function createRoute(request: ResourceRequest): Promise<Created> {
    onlySupports(
      request,
      "apiId routeKey target authorizationType authorizerId routeResponseSelectionExpression operationName",
    );
    const api = apiOf(apis, request);
    const { inputs } = request;
    const key = required(request, "routeKey");
    const integration = api.integrations.get(required(request, "target").replace(/^integrations\//, ""));
    if (integration === undefined) throw new Error(`${request.name}: there is no ${String(inputs.target)}`);
    const kind = optional(inputs, "authorizationType", "string") ?? "NONE";
    const authorizerId = optional(inputs, "authorizerId", "string");
    if (kind !== "NONE" && kind !== "CUSTOM")
      throw new Error(`${request.name}: only the authorizationType CUSTOM is supported locally`);
    // Source: "Control access to WebSocket APIs with Lambda REQUEST authorizers": for the $connect route alone.
    if (kind === "CUSTOM" && key !== "$connect")
      throw new Error(`${request.name}: only $connect can have an authorizer`);
    if (
      (kind === "CUSTOM") !== (authorizerId !== undefined) ||
      (authorizerId !== undefined && !api.authorizers.has(authorizerId))
    )
      throw new Error(`${request.name}: authorizationType and authorizerId do not fit together`);
    const answers = optional(inputs, "routeResponseSelectionExpression", "string");
    if (answers !== undefined && answers !== "$default")
      throw new Error(`${request.name}: routeResponseSelectionExpression can only be $default`);
    api.routes.set(key, { integration, answers: answers !== undefined, authorizerId });
    return { id: idOf(request.name), state: { ...inputs } };
  }

  async function createRouteResponse(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "apiId routeId routeResponseKey");
    apiOf(apis, request);
    if (required(request, "routeResponseKey") !== "$default")
      throw new Error(`${request.name}: routeResponseKey can only be $default`);
    return { id: idOf(request.name), state: { ...request.inputs } };
  }

  function logTo(request: ResourceRequest, settings: Inputs | undefined, region: string): SocketStage["accessLog"] {
    if (settings === undefined) return () => undefined;
    if (!logRoles.has(region))
      throw new Error(
        `${request.name}: API Gateway writes access logs by the account's role, and the account has none`,
      );
    const format = String(settings.format ?? "");
    if (!format.includes("$context.requestId") && !format.includes("$context.extendedRequestId"))
      throw new Error(`${request.name}: the format of an access log holds $context.requestId`);
    const group = String(settings.destinationArn).split(":log-group:")[1]?.replace(/:\*$/, "") ?? "";
    const folder = join(context.state, "logs");
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${group.replaceAll("/", "-").replace(/^-/, "")}.log`);
    return (values) =>
      appendFileSync(
        file,
        `${format.replaceAll(/\$context(?:\.[A-Za-z]+)+/g, (name) => (values[name] === undefined ? "-" : JSON.stringify(values[name]).slice(1, -1)))}\n`,
      );
  }

  async function createStage(request: ResourceRequest): Promise<Created> {
    onlySupports(
      request,
      "apiId name autoDeploy deploymentId accessLogSettings defaultRouteSettings description stageVariables",
    );
    const api = apiOf(apis, request);
    const { inputs } = request;
    const name = required(request, "name");
    if (inputs.autoDeploy !== true)
      throw new Error(`${request.name}: only stages with autoDeploy are supported locally`);
    if ([...apis.values()].some((other) => other !== api && other.stages.has(name)))
      throw new Error(`${request.name}: another API has a stage ${name}, and one address serves both locally`);
    const region = api.region;
    const settings = list(inputs.accessLogSettings)[0];
    const authorizerId = () => api.routes.get("$connect")?.authorizerId;
    const stage: SocketStage = {
      ...{ apiId: api.id, region, name, selects: api.selects, routes: api.routes },
      get authorizer() {
        const id = authorizerId();
        return id === undefined ? undefined : api.authorizers.get(id);
      },
      count: (metric) => context.metrics?.record("AWS/ApiGateway", metric, { ApiId: api.id, Stage: name }, 1),
      accessLog: logTo(request, settings, region),
    };
    api.stages.set(name, stage);
    return {
      id: name,
      state: {
        ...inputs,
        arn: `arn:aws:apigateway:${region}::/apis/${api.id}/stages/${name}`,
        executionArn: `arn:aws:execute-api:${region}:${context.accountId}:${api.id}/${name}`,
        invokeUrl: `wss://${hostOf(api)}/${name}`,
      },
    };
  }

  async function createAccount(request: ResourceRequest): Promise<Created> {
    onlySupports(request, "cloudwatchRoleArn");
    logRoles.set(regionOf(request, context), required(request, "cloudwatchRoleArn"));
    return { id: "api-gateway-account", state: { ...request.inputs } };
  }

  return {
    "aws:apigatewayv2/route:Route": createRoute,
    "aws:apigatewayv2/routeResponse:RouteResponse": createRouteResponse,
    "aws:apigatewayv2/stage:Stage": createStage,
    "aws:apigateway/account:Account": createAccount,
  };
}

export function createApiGateway(context: LocalContext, { invoke, now = Date.now }: ApiGatewayOptions): ApiGateway {
  const apis: Apis = new Map();
  const sockets = new Sockets(context.accountId, invoke, context.log, now);
  const sweeping = setInterval(() => sockets.sweep(), SWEEP_MS);
  sweeping.unref();

  /** `/<stage>/@connections/<id>`. */
  function connectionIn({ url, method }: ApiCall): { stage: SocketStage; id: string } {
    const [, name, id] = /^\/([^/]+)\/(?:@|%40)connections\/([^/?]+)$/.exec(url) ?? [];
    const stage = [...apis.values()].flatMap(({ stages }) => [...stages.values()]).find((each) => each.name === name);
    if (stage === undefined || id === undefined || !["POST", "GET", "DELETE"].includes(method))
      throw new ServiceError("ForbiddenException", "Forbidden", 403);
    return { stage, id: decodeURIComponent(id) };
  }

  const gone = () => new ServiceError("GoneException", "The connection with the provided id no longer exists.", 410);

  return {
    resources: { ...apiResources(context, apis), ...routeResources(context, apis) },
    api: {
      name: "execute-api",
      authorizations(call): Authorization[] {
        const { stage, id } = connectionIn(call);
        const { region, apiId, name } = stage;
        const arn = `arn:aws:execute-api:${region}:${context.accountId}:${apiId}/${name}`;
        return [{ action: "execute-api:ManageConnections", resources: [`${arn}/${call.method}/@connections/${id}`] }];
      },
      async call(call) {
        const { stage, id } = connectionIn(call);
        const json = { "content-type": "application/json" };
        if (call.method === "GET") {
          const view = sockets.view(stage.name, id);
          if (view === undefined) throw gone();
          return { status: 200, headers: json, body: JSON.stringify(view) };
        }
        if (call.method === "DELETE") {
          if (!sockets.disconnect(stage.name, id)) throw gone();
          return { status: 204, headers: {}, body: "" };
        }
        if (call.body.length > MESSAGE_BYTES)
          throw new ServiceError("PayloadTooLargeException", "The data has exceeded the maximum size allowed.", 413);
        if (!(await sockets.post(stage.name, id, call.body))) throw gone();
        return { status: 200, headers: json, body: "" };
      },
    },
    hasHost: (host) => [...apis.values()].some((api) => hostOf(api) === host),
    async open(asked, request, socket, head) {
      const { host, path } = asked;
      const api = [...apis.values()].find((each) => hostOf(each) === host);
      const stage = api?.stages.get(path.slice(1).split("/")[0] ?? "");
      if (stage === undefined) {
        socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
      }
      await sockets.open(stage, asked, request, socket, head);
    },
    endSockets: () => sockets.close(),
    plain: () => ({
      status: 403,
      headers: { "content-type": "application/json", "x-amzn-errortype": "ForbiddenException" },
      body: '{"message":"Forbidden"}',
    }),
    async close() {
      clearInterval(sweeping);
      await sockets.close();
    },
  };
}
