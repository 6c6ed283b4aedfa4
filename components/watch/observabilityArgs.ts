import type * as aws from "@pulumi/aws";
import type * as pulumi from "@pulumi/pulumi";
import type { Cache } from "../blocks/cache.ts";
import type { Handler } from "../blocks/handler.ts";
import type { WorkQueue } from "../blocks/workQueue.ts";
import type { Ingest } from "../platform/ingest.ts";
import type { Retention } from "../retention.ts";
import type { SubscriptionStore } from "../subscriptionStore.ts";

export type AnyHandler = Handler<Readonly<Record<string, string>>>;

/** What alarms and dashboard look at. */
export interface ObservabilityArgs {
  readonly region: string;
  readonly handlers: Readonly<Record<string, AnyHandler>>;
  readonly queues: Readonly<Record<string, WorkQueue>>;
  /** Names of tables, by what they hold. */
  readonly tables: Readonly<Record<string, pulumi.Input<string>>>;
  /** Names of their indexes, for those that have some. */
  readonly indexes: Readonly<Record<string, readonly string[]>>;
  readonly ingest: Ingest;
  /** @default left out in a standby region, which stores and archives nothing */
  readonly retention?: Retention;
  /** @default left out in a standby region, which has no database */
  readonly subscriptions?: SubscriptionStore;
  /** Stage of the WebSocket API. @default left out in a standby region, which has no sockets */
  readonly live?: aws.apigatewayv2.Stage;
  /** @default none: only a standby region watches the home region */
  readonly homeWatch?: AnyHandler;
  readonly cache: Cache;
  /** Who is mailed. @default nobody until someone subscribes to the topic */
  readonly email?: string | undefined;
  /** Monthly bill in USD that rings when it is reached or forecast. @default no budget */
  readonly monthlyBudgetUsd?: number | undefined;
  readonly protect: boolean;
}
