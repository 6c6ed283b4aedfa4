import { type Kysely, sql } from "kysely";
import { isSealed, type Place, type Vault } from "../domain/webhook/vault.ts";
import { asService } from "./roles.ts";
import type { Database, Definition } from "./schema.ts";

/** Which texts of a subscription are sealed, and where they belong. */
export const secretPlace = (customerId: string, subscriptionId: string): Place => [
  customerId,
  subscriptionId,
  "signing_secret",
];
const headerPlace = (customerId: string, subscriptionId: string, name: string): Place => [
  customerId,
  subscriptionId,
  `header:${name.toLowerCase()}`,
];

interface Owner {
  readonly customer_id: string;
  readonly subscription_id: string;
}

const mapHeaders = (definition: Definition, map: (value: string, name: string) => string): Definition => ({
  ...definition,
  headers: Object.fromEntries(
    Object.entries(definition.headers).map(([name, value]) => [name, map(value, name)] as const),
  ),
});

/** The definition as it is stored. */
export const sealDefinition = (
  vault: Vault,
  { customer_id, subscription_id }: Owner,
  definition: Definition,
): Definition =>
  mapHeaders(definition, (value, name) => vault.seal(value, headerPlace(customer_id, subscription_id, name)));

/** The definition as it was given. */
export const openDefinition = (
  vault: Vault,
  { customer_id, subscription_id }: Owner,
  definition: Definition,
): Definition =>
  mapHeaders(definition, (value, name) => vault.open(value, headerPlace(customer_id, subscription_id, name)));

const PAGE = 500;

/** Seals what was stored before texts were sealed. @returns how many secrets and definitions it sealed */
export async function sealExisting(db: Kysely<Database>, vault: Vault): Promise<number> {
  let sealed = 0;
  for (;;) {
    const count = await asService(db, async (tx) => {
      const rows = await tx
        .selectFrom("signing_secrets")
        .select(["customer_id", "subscription_id", "secret"])
        .where("secret", "not like", "sealed:%")
        .limit(PAGE)
        .execute();
      for (const { customer_id, subscription_id, secret } of rows) {
        await tx
          .updateTable("signing_secrets")
          .set({ secret: vault.seal(secret, secretPlace(customer_id, subscription_id)) })
          .where("subscription_id", "=", subscription_id)
          .where("secret", "=", secret)
          .execute();
      }
      return rows.length;
    });
    sealed += count;
    if (count < PAGE) break;
  }
  for (let after = ""; ; ) {
    const rows = await asService(db, async (tx) => {
      const found = await tx
        .selectFrom("subscriptions")
        .select(["customer_id", "subscription_id", "definition"])
        .where("subscription_id", ">", after)
        .where(sql<boolean>`definition::text like '%"headers":{"%'`)
        .orderBy("subscription_id")
        .limit(PAGE)
        .forUpdate()
        .execute();
      for (const row of found.filter(({ definition }) => !Object.values(definition.headers).every(isSealed))) {
        const definition = sealDefinition(vault, row, openDefinition(vault, row, row.definition));
        await tx
          .updateTable("subscriptions")
          .set({ definition: JSON.stringify(definition) })
          .where("subscription_id", "=", row.subscription_id)
          .execute();
        sealed += 1;
      }
      return found;
    });
    if (rows.length < PAGE) return sealed;
    after = rows.at(-1)!.subscription_id;
  }
}
