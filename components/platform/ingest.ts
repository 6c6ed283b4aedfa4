import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { defined } from "../../runtime/domain/defined.ts";
import type { IngestEnvironment } from "../../runtime/ingest/environment.ts";
import type { Cache } from "../blocks/cache.ts";
import type { DataBucket } from "../blocks/dataBucket.ts";
import { Handler, type HandlerDefaults, type HandlerNetwork } from "../blocks/handler.ts";
import type { WorkQueue } from "../blocks/workQueue.ts";
import type { OriginOutputs, PepperHere } from "../stack/otherStacks.ts";

export interface IngestArgs {
  readonly defaults: HandlerDefaults;
  readonly cache: Cache;
  /** Where accepted requests go. */
  readonly queue: WorkQueue;
  /** Where those go that are too large for it. */
  readonly payloads: DataBucket;
  /** Tells the schemas of event types. */
  readonly subscriptions: Handler<Readonly<Record<string, string>>>;
  /** Verifies the edge's seal on who calls. */
  readonly pepper: PepperHere;
  readonly network: HandlerNetwork;
  /** Environments kept warm. @default 0 */
  readonly provisionedConcurrency: number;
}

/** The function that takes events in, and its URL. */
export class Ingest extends pulumi.ComponentResource {
  readonly handler: Handler<IngestEnvironment>;
  readonly origin: pulumi.Output<OriginOutputs>;

  constructor(name: string, args: IngestArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Ingest", name, {}, opts);
    const { cache, queue, payloads, subscriptions, pepper } = args;
    this.handler = new Handler<IngestEnvironment>(
      name,
      {
        defaults: args.defaults,
        entry: "runtime/ingest/handler.ts",
        environment: {
          INGEST_QUEUE_URL: queue.queue.url,
          PAYLOAD_BUCKET: payloads.bucket.bucket,
          PEPPER_SECRET: pepper.arn,
          REDIS_URL: cache.url,
          REDIS_AUTH_SECRET: cache.token.secret.arn,
          SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
        },
        permissions: [
          ...queue.toSend(),
          queue.toSee(),
          ...payloads.toWrite(),
          ...cache.token.toRead(),
          ...pepper.toRead,
          subscriptions.toInvoke(),
        ],
        memoryMb: 1_024,
        timeoutSeconds: 10,
        network: args.network,
        provisionedConcurrency: args.provisionedConcurrency,
      },
      { parent: this },
    );
    this.origin = originOf(name, this.handler, { parent: this });
    this.registerOutputs();
  }
}

/** Gives a function a URL that only a distribution may call. @returns both, as the distribution's stack has to know them */
export function originOf(
  name: string,
  handler: Handler<Readonly<Record<string, string>>>,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<OriginOutputs> {
  const url = new aws.lambda.FunctionUrl(
    name,
    {
      functionName: handler.function.name,
      ...defined({ qualifier: handler.qualifier }),
      authorizationType: "AWS_IAM",
      invokeMode: "BUFFERED",
    },
    opts,
  );
  return pulumi
    .all([url.functionUrl, handler.function.name, pulumi.output(handler.qualifier)])
    .apply(([at, fn, qualifier]): OriginOutputs => ({ url: at, function: fn, qualifier }));
}
