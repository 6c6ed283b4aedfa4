import { type Kysely, sql } from "kysely";
import { type Place, sealedBy, type Vault } from "../domain/webhook/vault.ts";
import { channelPlace } from "./alerts.ts";
import { asService, type Tx } from "./roles.ts";
import type { Database, Definition } from "./schema.ts";

/** Which texts of a subscription, and of a customer, are sealed, and where they belong. */
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

export const subjectKeyPlace = (customerId: string): Place => [customerId, "", "subject_key"];

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
/** A definition that has headers, as far as its text tells. */
const WITH_HEADERS = sql<boolean>`definition::text like '%"headers":{"%'`;

/** Texts of these are sealed, or were stored before texts were. */
const SECRETS = sql.ref("signing_secrets.secret");
const SUBJECT_KEYS = sql.ref("customers.subject_key");
const CHANNELS = sql.ref("alert_channels.secret");

/**
 * Seals texts by the vault's current key: those sealed by another key, and those that were stored before texts were sealed.
 * @param isOver asked between pages: the next call seals the rest
 * @returns how many secrets, definitions, keys of customers and channels it sealed; 0: all of them are
 */
export async function sealAnew(
  db: Kysely<Database>,
  vault: Vault,
  isOver: () => boolean = () => false,
): Promise<number> {
  const other = (text: typeof SECRETS) => sql<boolean>`${text} not like ${`sealed:${vault.current}:%`}`;
  const anew = (text: string, place: Place) => vault.seal(vault.open(text, place), place);
  let sealed = 0;
  const inPages = async (page: (tx: Tx) => Promise<number>) => {
    for (let count = PAGE; count === PAGE && !isOver(); sealed += count) count = await asService(db, page);
  };
  await inPages(async (tx) => {
    const rows = await tx
      .selectFrom("signing_secrets")
      .select(["customer_id", "subscription_id", "secret"])
      .where(other(SECRETS))
      .limit(PAGE)
      .execute();
    for (const { customer_id, subscription_id, secret } of rows) {
      await tx
        .updateTable("signing_secrets")
        .set({ secret: anew(secret, secretPlace(customer_id, subscription_id)) })
        .where("subscription_id", "=", subscription_id)
        .where("secret", "=", secret)
        .execute();
    }
    return rows.length;
  });
  await inPages(async (tx) => {
    const rows = await tx
      .selectFrom("customers")
      .select(["customer_id", "subject_key"])
      .where(other(SUBJECT_KEYS))
      .limit(PAGE)
      .forUpdate()
      .execute();
    for (const { customer_id, subject_key } of rows)
      await tx
        .updateTable("customers")
        .set({ subject_key: anew(subject_key!, subjectKeyPlace(customer_id)) })
        .where("customer_id", "=", customer_id)
        .execute();
    return rows.length;
  });
  await inPages(async (tx) => {
    const rows = await tx
      .selectFrom("alert_channels")
      .select(["customer_id", "channel_id", "secret"])
      .where(other(CHANNELS))
      .limit(PAGE)
      .forUpdate()
      .execute();
    for (const { customer_id, channel_id, secret } of rows)
      await tx
        .updateTable("alert_channels")
        .set({ secret: anew(secret!, channelPlace(customer_id, channel_id)) })
        .where("channel_id", "=", channel_id)
        .execute();
    return rows.length;
  });
  for (let after = "", count = PAGE; count === PAGE && !isOver(); ) {
    const rows = await asService(db, async (tx) => {
      const found = await tx
        .selectFrom("subscriptions")
        .select(["customer_id", "subscription_id", "definition"])
        .where("subscription_id", ">", after)
        .where(WITH_HEADERS)
        .orderBy("subscription_id")
        .limit(PAGE)
        .forUpdate()
        .execute();
      for (const row of found) {
        if (Object.values(row.definition.headers).every((value) => sealedBy(value) === vault.current)) continue;
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
    count = rows.length;
    after = rows.at(-1)?.subscription_id ?? after;
  }
  return sealed;
}

/** How many texts each version of the key has sealed, `""` for clear text. */
export async function countSealed(db: Kysely<Database>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const add = (version: string | undefined, count = 1) => {
    counts[version ?? ""] = (counts[version ?? ""] ?? 0) + count;
  };
  for (const [table, text] of [
    ["signing_secrets", SECRETS],
    ["customers", SUBJECT_KEYS],
    ["alert_channels", CHANNELS],
  ] as const) {
    const version = sql<string | null>`substring(${text} from '^sealed:([A-Za-z0-9]+):')`;
    const rows = await asService(db, (tx) =>
      tx
        .selectFrom(table)
        .select([version.as("version"), sql<number>`count(*)::int`.as("count")])
        .where(sql<boolean>`${text} is not null`)
        .groupBy(version)
        .execute(),
    );
    for (const { version, count } of rows) add(version ?? undefined, count);
  }
  for (let after = "", count = PAGE; count === PAGE; ) {
    const rows = await asService(db, (tx) =>
      tx
        .selectFrom("subscriptions")
        .select(["subscription_id", "definition"])
        .where("subscription_id", ">", after)
        .where(WITH_HEADERS)
        .orderBy("subscription_id")
        .limit(PAGE)
        .execute(),
    );
    for (const { definition } of rows) for (const value of Object.values(definition.headers)) add(sealedBy(value));
    count = rows.length;
    after = rows.at(-1)?.subscription_id ?? after;
  }
  return counts;
}
