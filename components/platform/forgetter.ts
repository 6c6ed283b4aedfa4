import * as pulumi from "@pulumi/pulumi";
import type { ForgetEnvironment } from "../../runtime/ingest/environment.ts";
import type { Cache } from "../blocks/cache.ts";
import { Handler, type HandlerDefaults, type HandlerNetwork } from "../blocks/handler.ts";

// Invariant: a role that may call this can remove idempotency entries. That is all it can do with the cache, and it can't send
// events.

export interface ForgetterArgs {
  readonly defaults: HandlerDefaults;
  readonly cache: Cache;
  readonly network: HandlerNetwork;
}

/** The function that erases idempotency entries for those who stand outside the private network. */
export class Forgetter extends pulumi.ComponentResource {
  readonly handler: Handler<ForgetEnvironment>;

  constructor(name: string, args: ForgetterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Forgetter", name, {}, opts);
    const { defaults, cache, network } = args;
    this.handler = new Handler<ForgetEnvironment>(
      "forget",
      {
        defaults,
        entry: "runtime/ingest/forgetHandler.ts",
        environment: { REDIS_URL: cache.url, REDIS_AUTH_SECRET: cache.token.secret.arn },
        permissions: cache.token.toRead(),
        memoryMb: 256,
        timeoutSeconds: 30,
        network,
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
