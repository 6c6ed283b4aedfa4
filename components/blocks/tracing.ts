import * as pulumi from "@pulumi/pulumi";
import type { Environment, tracingVariables } from "../../runtime/domain/environment.ts";
import { EncryptionKey } from "./encryptionKey.ts";
import type { Permission } from "./permissions.ts";
import { Secret } from "./secret.ts";

export interface TracingArgs {
  readonly region: string;
  /** Base URL of the OTLP/HTTP receiver. @default tracing is off: this component stays empty */
  readonly endpoint?: string | undefined;
  /** Part of the traces begun here that is recorded, 0 to 1. */
  readonly sampleRatio: number;
  readonly protect: boolean;
}

/** Where functions export OpenTelemetry spans, and the secret that holds the headers their receiver asks for. */
export class Tracing extends pulumi.ComponentResource {
  /** What a function that exports spans finds in its environment. */
  readonly environment: { readonly [Name in keyof Environment<typeof tracingVariables>]: pulumi.Input<string> };
  /** Undefined where nothing is exported. */
  readonly headers: Secret | undefined;

  constructor(name: string, args: TracingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Tracing", name, {}, opts);
    const { endpoint, region, protect } = args;
    const own = { parent: this };
    if (endpoint !== undefined) {
      const key = new EncryptionKey(name, { purpose: "Headers for the receiver of spans", protect }, own);
      const description = "Headers for the receiver of spans: name=value,name=value";
      this.headers = new Secret("otlp-headers", { description, key, region }, own);
    }
    this.environment = {
      OTLP_ENDPOINT: endpoint ?? "",
      OTLP_HEADERS_SECRET: this.headers?.secret.arn ?? "",
      TRACE_SAMPLE_RATIO: String(args.sampleRatio),
    };
    this.registerOutputs();
  }

  /** Reading the headers. */
  toExport(): Permission[] {
    return this.headers?.toRead() ?? [];
  }
}
