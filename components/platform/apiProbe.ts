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
  /** The management API. */
  readonly api: Handler<Readonly<Record<string, string>>>;
  readonly retention: Retention;
}

/** Asks the API once a minute how it is, for the alert rules that watch it. Apart from what evaluates them: the API calls that. */
export class ApiProbe extends pulumi.ComponentResource {
  readonly probe: Handler<ProbeEnvironment>;

  constructor(name: string, args: ApiProbeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:ApiProbe", name, {}, opts);
    const own = { parent: this };
    const { region, store, api, retention } = args;
    this.probe = new Handler<ProbeEnvironment>(
      "probe",
      {
        defaults: args.defaults,
        entry: "runtime/alert/probeHandler.ts",
        environment: { METRICS_TABLE: store.metrics.table.name, API_FUNCTION: api.target.arn },
        permissions: [...store.metrics.to("dynamodb:PutItem"), api.toInvoke()],
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
