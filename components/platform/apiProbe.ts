import * as pulumi from "@pulumi/pulumi";
import type { ProbeEnvironment } from "../../runtime/alert/environment.ts";
import { EverySoOften } from "../blocks/everySoOften.ts";
import { Handler, type HandlerDefaults } from "../blocks/handler.ts";
import type { Retention } from "../retention.ts";
import type { EventStore } from "./eventStore.ts";

export interface ApiProbeArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly store: EventStore;
  /** Where customers call the platform; undefined until the edge's stack has told it. */
  readonly publicUrl: pulumi.Input<string | undefined>;
  readonly retention: Retention;
}

// Invariant: it may write what it found, and nothing else. It stands outside the private network and asks as a customer does, by the
// public URL and without a key, so nothing that customers pass is left out.

/** Asks the API once a minute how it is, for the alert rules that watch it. */
export class ApiProbe extends pulumi.ComponentResource {
  readonly probe: Handler<ProbeEnvironment>;

  constructor(name: string, args: ApiProbeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:ApiProbe", name, {}, opts);
    const own = { parent: this };
    const { region, store, publicUrl, retention } = args;
    this.probe = new Handler<ProbeEnvironment>(
      "probe",
      {
        defaults: args.defaults,
        entry: "runtime/alert/probeHandler.ts",
        environment: {
          METRICS_TABLE: store.metrics.table.name,
          PUBLIC_URL: pulumi.output(publicUrl).apply((url) => url ?? ""),
        },
        permissions: store.metrics.to("dynamodb:PutItem"),
        memoryMb: 256,
        timeoutSeconds: 30,
      },
      own,
    );
    new EverySoOften(
      "probe",
      { handler: this.probe, rate: "rate(1 minute)", region, key: retention.jobsKey, dead: retention.jobs.dead },
      own,
    );
    this.registerOutputs();
  }
}
