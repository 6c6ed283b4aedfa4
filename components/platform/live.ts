import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined } from "../../runtime/domain/defined.ts";
import type { AdmitEnvironment, LiveEnvironment, PublishEnvironment } from "../../runtime/live/environment.ts";
import { DataTable } from "../blocks/dataTable.ts";
import { EncryptionKey } from "../blocks/encryptionKey.ts";
import { Handler, type HandlerDefaults } from "../blocks/handler.ts";
import { trustOf } from "../blocks/permissions.ts";
import type { EventStore } from "./eventStore.ts";
import type { Keys } from "./keyDirectory.ts";

// Invariant: every open socket has passed the authoriser, and only the authoriser names its customer. These functions are called
// only for customers whom somebody watches.

type AnyHandler = Handler<Readonly<Record<string, string>>>;

/** API Gateway has the stage as the first part of a path: this one is the path of the distribution that sockets are opened at. */
const STAGE = "live";

export interface PublisherArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly keys: Keys;
  readonly store: EventStore;
  /** The subscriptions service. */
  readonly subscriptions: AnyHandler;
  readonly protect: boolean;
}

/** Sockets of those who watch, and the function that sends them what the stages of an event's way tell. */
export class Publisher extends pulumi.ComponentResource {
  readonly api: aws.apigatewayv2.Api;
  /** Sockets and tickets. */
  readonly sockets: DataTable;
  readonly publish: Handler<PublishEnvironment>;

  constructor(name: string, args: PublisherArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Publisher", name, {}, opts);
    const own = { parent: this };
    const { region, defaults, keys, store, subscriptions, protect } = args;
    const key = new EncryptionKey(
      "sockets",
      { purpose: "Sockets of those who watch, and their tickets", protect },
      own,
    );
    this.sockets = new DataTable(
      "sockets",
      { key, region, partition: ["pk", "S"], sort: ["sk", "S"], expiry: "expires_at", protect },
      own,
    );
    this.api = new aws.apigatewayv2.Api(
      "live",
      {
        protocolType: "WEBSOCKET",
        description: "What happens, told to those who watch",
        routeSelectionExpression: "$request.body.action",
      },
      own,
    );
    const connections = pulumi.interpolate`${this.api.executionArn}/${STAGE}`;
    this.publish = new Handler<PublishEnvironment>(
      "publish",
      {
        defaults,
        entry: "runtime/live/publishHandler.ts",
        environment: {
          LIVE_TABLE: this.sockets.table.name,
          LIVE_API: this.api.id,
          LIVE_STAGE: STAGE,
          EVENTS_TABLE: store.events.table.name,
          EVENT_SHARDS: store.shards,
          METRICS_TABLE: store.metrics.table.name,
          KEYS_TABLE: keys.tableName,
          SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
        },
        permissions: [
          ...this.sockets.to("dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"),
          ...store.events.to("dynamodb:BatchGetItem", "dynamodb:Query"),
          ...store.metrics.to("dynamodb:Query"),
          ...keys.to("dynamodb:GetItem"),
          subscriptions.toInvoke(),
          {
            actions: ["execute-api:ManageConnections"],
            resources: ["POST", "DELETE"].map((method) => pulumi.interpolate`${connections}/${method}/@connections/*`),
          },
        ],
        // Sending a socket what it has missed goes on for ten minutes at most.
        timeoutSeconds: 900,
      },
      own,
    );
    new aws.lambda.FunctionEventInvokeConfig(
      "publish",
      {
        functionName: this.publish.function.name,
        ...defined({ qualifier: this.publish.qualifier }),
        // A second message, or one about the distant past, would only disturb: the list has it.
        maximumRetryAttempts: 0,
        maximumEventAgeInSeconds: 60,
      },
      own,
    );
    this.registerOutputs();
  }
}

export interface LiveSocketsArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly publisher: Publisher;
  /** Sessions of people. */
  readonly sessions: DataTable;
  readonly subscriptions: AnyHandler;
}

/** The WebSocket API: who may open a socket, and what it may ask for. */
export class LiveSockets extends pulumi.ComponentResource {
  /** Decides who may. */
  readonly admit: Handler<AdmitEnvironment>;
  /** Hears what sockets say. */
  readonly live: Handler<LiveEnvironment>;
  /** Name of the host of the API's own. */
  readonly host: pulumi.Output<string>;
  readonly stage: aws.apigatewayv2.Stage;

  constructor(name: string, args: LiveSocketsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:LiveSockets", name, {}, opts);
    const own = { parent: this };
    const { defaults, publisher, sessions, subscriptions } = args;
    const { api, sockets, publish } = publisher;
    this.admit = new Handler<AdmitEnvironment>(
      "admit",
      {
        defaults,
        entry: "runtime/live/admitHandler.ts",
        environment: { LIVE_TABLE: sockets.table.name, SESSIONS_TABLE: sessions.table.name },
        permissions: [...sockets.to("dynamodb:DeleteItem"), ...sessions.to("dynamodb:GetItem")],
        memoryMb: 256,
        timeoutSeconds: 10,
      },
      own,
    );
    this.live = new Handler<LiveEnvironment>(
      "live",
      {
        defaults,
        entry: "runtime/live/handler.ts",
        environment: {
          LIVE_TABLE: sockets.table.name,
          SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
          PUBLISH_FUNCTION: publish.target.arn,
        },
        permissions: [
          ...sockets.to(
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
          ),
          subscriptions.toInvoke(),
          publish.toInvoke(),
        ],
        // API Gateway waits for no answer longer than 29 s.
        timeoutSeconds: 29,
      },
      own,
    );
    this.host = api.apiEndpoint.apply((url) => new URL(url).host);
    const routes = this.createRoutes(api);
    this.stage = this.createStage(args, routes);
    this.registerOutputs();
  }

  private createRoutes({ id: apiId, executionArn }: aws.apigatewayv2.Api): pulumi.Resource[] {
    const own = { parent: this };
    const authorizer = new aws.apigatewayv2.Authorizer(
      "live",
      {
        apiId,
        name: "ticket-or-session",
        authorizerType: "REQUEST",
        authorizerUri: this.admit.target.invokeArn,
      },
      own,
    );
    const integration = new aws.apigatewayv2.Integration(
      "live",
      { apiId, integrationType: "AWS_PROXY", integrationUri: this.live.target.invokeArn },
      own,
    );
    const target = pulumi.interpolate`integrations/${integration.id}`;
    const route = (label: string, routeKey: string, more: Partial<aws.apigatewayv2.RouteArgs>) =>
      new aws.apigatewayv2.Route(`live-${label}`, { apiId, routeKey, target, ...more }, own);
    const said = route("default", "$default", { routeResponseSelectionExpression: "$default" });
    const response = new aws.apigatewayv2.RouteResponse(
      "live",
      { apiId, routeId: said.id, routeResponseKey: "$default" },
      own,
    );
    const invoked = (label: string, handler: AnyHandler, source: string | pulumi.Output<string>) =>
      new aws.lambda.Permission(
        `live-${label}`,
        {
          action: "lambda:InvokeFunction",
          function: handler.function.name,
          ...defined({ qualifier: handler.qualifier }),
          principal: "apigateway.amazonaws.com",
          sourceArn: pulumi.interpolate`${executionArn}/${source}`,
        },
        own,
      );
    return [
      said,
      response,
      route("connect", "$connect", { authorizationType: "CUSTOM", authorizerId: authorizer.id }),
      route("disconnect", "$disconnect", {}),
      invoked("may-admit", this.admit, pulumi.interpolate`authorizers/${authorizer.id}`),
      ...["$connect", "$disconnect", "$default"].map((key) =>
        invoked(`may-${key.slice(1)}`, this.live, `${STAGE}/${key}`),
      ),
    ];
  }

  private createStage({ defaults, publisher }: LiveSocketsArgs, routes: pulumi.Resource[]) {
    const own = { parent: this };
    const logs = new aws.cloudwatch.LogGroup(
      "live-access",
      { kmsKeyId: defaults.keyArn, retentionInDays: defaults.logRetentionDays },
      own,
    );
    // API Gateway writes the logs of all APIs of a region by one role of the account. So the role that was set last stays when its stack
    // is gone: another stack's logs are written by it.
    const stays = { ...own, retainOnDelete: true };
    const role = new aws.iam.Role(
      "live-logs-role",
      {
        description: "What API Gateway may write: logs of its APIs",
        assumeRolePolicy: trustOf("apigateway.amazonaws.com"),
      },
      stays,
    );
    const mayWrite = new aws.iam.RolePolicyAttachment(
      "live-logs",
      { role: role.name, policyArn: "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs" },
      stays,
    );
    const account = new aws.apigateway.Account(
      "live",
      { cloudwatchRoleArn: role.arn },
      { ...stays, dependsOn: [mayWrite] },
    );
    return new aws.apigatewayv2.Stage(
      "live",
      {
        apiId: publisher.api.id,
        name: STAGE,
        autoDeploy: true,
        accessLogSettings: {
          destinationArn: logs.arn,
          // No query: a ticket is in it.
          format: JSON.stringify({
            request_id: "$context.requestId",
            connection_id: "$context.connectionId",
            event: "$context.eventType",
            route: "$context.routeKey",
            status: "$context.status",
            source_ip: "$context.identity.sourceIp",
            at: "$context.requestTime",
          }),
        },
        defaultRouteSettings: {
          detailedMetricsEnabled: true,
          loggingLevel: "OFF",
          dataTraceEnabled: false,
          throttlingRateLimit: 1_000,
          throttlingBurstLimit: 500,
        },
      },
      { ...own, dependsOn: [account, ...routes] },
    );
  }
}
