import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { IngestEnvironment } from "../runtime/ingest/environment.ts";
import type { Cache } from "./cache.ts";
import type { DataBucket } from "./dataBucket.ts";
import { Distribution } from "./distribution.ts";
import { EdgeAuthenticator } from "./edgeAuthenticator.ts";
import type { EventPipeline } from "./eventPipeline.ts";
import type { EventStore } from "./eventStore.ts";
import { Handler, type HandlerDefaults } from "./handler.ts";
import type { KeyDirectory } from "./keyDirectory.ts";
import type { ManagementApi } from "./managementApi.ts";
import type { SubscriptionStore } from "./subscriptionStore.ts";

// Invariant: the only way to a function is through the distribution, whose edge function has said who calls.

export interface IngestEdgeArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly cache: Cache;
  readonly keys: KeyDirectory;
  readonly store: EventStore;
  readonly pipeline: EventPipeline;
  readonly subscriptions: SubscriptionStore;
  readonly api: ManagementApi;
  readonly logs: DataBucket;
  /** Environments of ingest kept warm. @default 0 */
  readonly provisionedConcurrency: number;
  /** Custom host name with its certificate. @default the distribution's own name */
  readonly domain?: { readonly name: string; readonly certificateArn: string } | undefined;
}

/** The public endpoint, who may pass it, and the function that takes events in. */
export class IngestEdge extends pulumi.ComponentResource {
  readonly ingest: Handler<IngestEnvironment>;
  readonly authenticate: EdgeAuthenticator;
  readonly distribution: Distribution;
  /** Where callers send their requests. */
  readonly url: pulumi.Output<string>;

  constructor(name: string, args: IngestEdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:IngestEdge", name, {}, opts);
    const own = { parent: this };
    const { cache, keys, store, pipeline, subscriptions } = args;
    this.ingest = new Handler<IngestEnvironment>(
      "ingest",
      {
        defaults: args.defaults,
        entry: "runtime/ingest/handler.ts",
        environment: {
          INGEST_QUEUE_URL: pipeline.ingest.queue.url,
          PAYLOAD_BUCKET: store.payloads.bucket.bucket,
          REDIS_URL: cache.url,
          REDIS_AUTH_SECRET: cache.token.secret.arn,
          SUBSCRIPTIONS_FUNCTION: subscriptions.service.target.arn,
        },
        permissions: [
          ...pipeline.ingest.toSend(),
          ...store.payloads.toWrite(),
          ...cache.token.toRead(),
          subscriptions.service.toInvoke(),
        ],
        memoryMb: 1_024,
        timeoutSeconds: 10,
        network: subscriptions.database.reach,
        provisionedConcurrency: args.provisionedConcurrency,
      },
      own,
    );
    const ingestUrl = new aws.lambda.FunctionUrl(
      "ingest",
      {
        functionName: this.ingest.function.name,
        ...(this.ingest.qualifier === undefined ? {} : { qualifier: this.ingest.qualifier }),
        authorizationType: "AWS_IAM",
        invokeMode: "BUFFERED",
      },
      own,
    );
    this.authenticate = new EdgeAuthenticator("authenticate", { region: args.region, keys }, own);
    this.distribution = new Distribution(
      name,
      {
        authenticate: this.authenticate.function.qualifiedArn,
        ingest: { url: ingestUrl.functionUrl, handler: this.ingest },
        api: { url: args.api.url.functionUrl, handler: args.api.api },
        logs: args.logs,
        domain: args.domain,
      },
      own,
    );
    this.url = this.distribution.url;
    this.registerOutputs({ url: this.url });
  }
}
