import * as pulumi from "@pulumi/pulumi";
import type { WatchEnvironment } from "../../runtime/standby/environment.ts";
import type { EncryptionKey } from "../blocks/encryptionKey.ts";
import { EverySoOften } from "../blocks/everySoOften.ts";
import { Handler, type HandlerDefaults } from "../blocks/handler.ts";
import type { WorkQueue } from "../blocks/workQueue.ts";
import type { Edge, Home } from "../stack/otherStacks.ts";

export interface HomeWatchArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly edge: Edge;
  readonly home: Home;
  /** Its dead-letter queue keeps runs that could not be started; `key` encrypts it. */
  readonly queue: WorkQueue;
  readonly key: EncryptionKey;
}

/** Asks the home region every few seconds whether it takes events in, and has the edge send them here while it doesn't. */
export class HomeWatch extends pulumi.ComponentResource {
  readonly watch: Handler<WatchEnvironment>;

  constructor(name: string, args: HomeWatchArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:HomeWatch", name, {}, opts);
    const own = { parent: this };
    const { region, home, edge, key } = args;
    this.watch = new Handler<WatchEnvironment>(
      name,
      {
        defaults: args.defaults,
        entry: "runtime/standby/watchHandler.ts",
        environment: {
          HOME_REGION: home.region,
          HOME_INGEST_FUNCTION: home.ingest_arn,
          FAILOVER_STORE: edge.failover_store,
        },
        permissions: [
          { actions: ["lambda:InvokeFunction"], resources: [home.ingest_arn] },
          {
            actions: [
              "cloudfront-keyvaluestore:DeleteKey",
              "cloudfront-keyvaluestore:DescribeKeyValueStore",
              "cloudfront-keyvaluestore:GetKey",
              "cloudfront-keyvaluestore:PutKey",
            ],
            resources: [edge.failover_store],
          },
        ],
        memoryMb: 256,
        // A run lasts nearly a minute; the next begins a minute after it did.
        timeoutSeconds: 80,
      },
      own,
    );
    new EverySoOften(name, { handler: this.watch, rate: "rate(1 minute)", region, key, dead: args.queue.dead }, own);
    this.registerOutputs();
  }
}
