import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { Kysely } from "kysely";
import type { Database } from "../../runtime/database/schema.ts";
import type { ServiceRequest } from "../../runtime/domain/service.ts";
import { serve } from "../../runtime/subscriptions/service.ts";

/** A Lambda client whose only function is the subscriptions service, over this database. */
export const serviceLambda = (db: () => Kysely<Database>, now: () => number = Date.now): LambdaClient =>
  ({
    send: async ({ input }: { input: { Payload: Uint8Array } }) => {
      const request = JSON.parse(Buffer.from(input.Payload).toString("utf8")) as ServiceRequest;
      return { Payload: Buffer.from(JSON.stringify(await serve(db(), request as never, now()))) };
    },
  }) as unknown as LambdaClient;
