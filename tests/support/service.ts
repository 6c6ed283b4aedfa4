import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { Kysely } from "kysely";
import type { Database } from "../../runtime/database/schema.ts";
import type { ServiceRequest } from "../../runtime/domain/service.ts";
import { serve as serveBy } from "../../runtime/subscriptions/service.ts";
import { testVault } from "./vault.ts";

type Op = ServiceRequest["op"];

/** The subscriptions service, with the vault of tests. */
export const serve = <O extends Op>(db: Kysely<Database>, request: Extract<ServiceRequest, { op: O }>, now: number) =>
  serveBy<O>(db, request, now, testVault);

/** A Lambda client whose only function is the subscriptions service, over this database. */
export const serviceLambda = (db: () => Kysely<Database>, now: () => number = Date.now): LambdaClient =>
  ({
    send: async ({ input }: { input: { Payload: Uint8Array } }) => {
      const request = JSON.parse(Buffer.from(input.Payload).toString("utf8")) as ServiceRequest;
      return { Payload: Buffer.from(JSON.stringify(await serve(db(), request as never, now()))) };
    },
  }) as unknown as LambdaClient;
