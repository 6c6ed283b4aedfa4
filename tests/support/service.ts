import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { Kysely } from "kysely";
import type { Database } from "../../runtime/database/schema.ts";
import type { Identity, Tenant } from "../../runtime/domain/identity/identity.ts";
import type { ServiceRequest } from "../../runtime/domain/service.ts";
import type { DeliveryTarget, SubscriptionOf } from "../../runtime/domain/subscription.ts";
import { serve as serveBy } from "../../runtime/subscriptions/service.ts";
import type { TestApi } from "./api.ts";
import { testVault } from "./vault.ts";

type Op = ServiceRequest["op"];

/** The subscriptions service, with the vault of tests. */
export const serve = <O extends Op>(db: Kysely<Database>, request: Extract<ServiceRequest, { op: O }>, now: number) =>
  serveBy<O>(db, request, now, testVault);

/** The version of a tenant's subscriptions. */
const versionOf = async (db: Kysely<Database>, tenant: Tenant): Promise<number> =>
  (await serve<"versions">(db, { op: "versions", tenants: [tenant] }, 0)).versions[tenant]!;

/** A subscription as delivery gets it. */
const targetOf = async (db: Kysely<Database>, wanted: SubscriptionOf, now: number): Promise<DeliveryTarget> =>
  (await serve<"targets">(db, { op: "targets", wanted: [wanted] }, now)).targets[0]!;

/**
 * What tests of the API do with subscriptions.
 * @param of the API and the customer, which a test has once it runs
 */
export function subscriptionCalls(of: () => { api: TestApi; owner: { live: Identity; customer_id: string } }) {
  let numbered = 0;
  const freshUrl = () => `https://example.com/hook/${++numbered}`;
  return {
    /** A URL that no subscription has. */
    freshUrl,
    create: (more: object = {}, as: Identity = of().owner.live) =>
      of().api.call(as, "POST", "/subscriptions", { webhook_url: freshUrl(), event_selector: "order.*", ...more }),
    versionOf: (tenant: Tenant) => versionOf(of().api.deps.db, tenant),
    targetOf: (id: string, tenant: Tenant = of().owner.customer_id) =>
      targetOf(of().api.deps.db, { tenant, subscription_id: id }, of().api.deps.now()),
  };
}

/** A Lambda client whose only function is the subscriptions service, over this database. */
export const serviceLambda = (db: () => Kysely<Database>, now: () => number = Date.now): LambdaClient =>
  ({
    send: async ({ input }: { input: { Payload: Uint8Array } }) => {
      const request = JSON.parse(Buffer.from(input.Payload).toString("utf8")) as ServiceRequest;
      return { Payload: Buffer.from(JSON.stringify(await serve(db(), request as never, now()))) };
    },
  }) as unknown as LambdaClient;
