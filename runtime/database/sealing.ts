import { type Kysely, sql } from "kysely";
import { errorText, log } from "../aws/log.ts";
import { type Place, type SealedCounts, sealedBy, type Vault } from "../domain/webhook/vault.ts";
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

/** A sealed text, or one that was stored before texts were sealed. */
interface Text {
  readonly text: string;
  readonly place: Place;
}

/** A row with texts, and how those that are given by their positions are written anew. */
interface Row {
  readonly id: string;
  readonly texts: readonly Text[];
  write(tx: Tx, texts: readonly string[]): Promise<unknown>;
}

/**
 * Reads the rows of a table behind an id, a page in the order of their ids.
 * @param current given, only rows that another key has sealed as far as their texts tell, locked to be written
 */
type Table = (tx: Tx, after: string, current?: string) => Promise<Row[]>;

const byOther = (column: string, current: string) => sql<boolean>`${sql.ref(column)} not like ${`sealed:${current}:%`}`;

const tables: readonly Table[] = [
  async (tx, after, current) => {
    // A subscription has a secret more while it rotates: all of its own are in one page.
    const ids = tx
      .selectFrom("signing_secrets")
      .select("subscription_id")
      .distinct()
      .where("subscription_id", ">", after)
      .$if(current !== undefined, (query) => query.where(byOther("secret", current!)))
      .orderBy("subscription_id")
      .limit(PAGE);
    const rows = await tx
      .selectFrom("signing_secrets")
      .select(["customer_id", "subscription_id", "secret"])
      .where("subscription_id", "in", ids)
      .orderBy("subscription_id")
      .execute();
    return [...Map.groupBy(rows, ({ subscription_id }) => subscription_id)].map(([id, own]) => ({
      id,
      texts: own.map(({ customer_id, secret }) => ({ text: secret, place: secretPlace(customer_id, id) })),
      write: (to, texts) =>
        Promise.all(
          own.map(({ secret }, at) =>
            to
              .updateTable("signing_secrets")
              .set({ secret: texts[at]! })
              .where("subscription_id", "=", id)
              .where("secret", "=", secret)
              .execute(),
          ),
        ),
    }));
  },
  async (tx, after, current) => {
    const rows = await tx
      .selectFrom("customers")
      .select(["customer_id", "subject_key"])
      .where("subject_key", "is not", null)
      .where("customer_id", ">", after)
      .orderBy("customer_id")
      .limit(PAGE)
      .$if(current !== undefined, (query) => query.where(byOther("subject_key", current!)).forUpdate())
      .execute();
    return rows.map(({ customer_id, subject_key }) => ({
      id: customer_id,
      texts: [{ text: subject_key!, place: subjectKeyPlace(customer_id) }],
      write: (to, [text]) =>
        to.updateTable("customers").set({ subject_key: text! }).where("customer_id", "=", customer_id).execute(),
    }));
  },
  async (tx, after, current) => {
    const rows = await tx
      .selectFrom("alert_channels")
      .select(["customer_id", "channel_id", "secret"])
      .where("secret", "is not", null)
      .where("channel_id", ">", after)
      .orderBy("channel_id")
      .limit(PAGE)
      .$if(current !== undefined, (query) => query.where(byOther("secret", current!)).forUpdate())
      .execute();
    return rows.map(({ customer_id, channel_id, secret }) => ({
      id: channel_id,
      texts: [{ text: secret!, place: channelPlace(customer_id, channel_id) }],
      write: (to, [text]) =>
        to.updateTable("alert_channels").set({ secret: text! }).where("channel_id", "=", channel_id).execute(),
    }));
  },
  async (tx, after, current) => {
    const rows = await tx
      .selectFrom("subscriptions")
      .select(["customer_id", "subscription_id", "definition"])
      .where("subscription_id", ">", after)
      .where(WITH_HEADERS)
      .orderBy("subscription_id")
      .limit(PAGE)
      .$if(current !== undefined, (query) => query.forUpdate())
      .execute();
    return rows.map(({ customer_id, subscription_id, definition }) => {
      const names = Object.keys(definition.headers);
      return {
        id: subscription_id,
        texts: names.map((name) => ({
          text: definition.headers[name]!,
          place: headerPlace(customer_id, subscription_id, name),
        })),
        write: (to, texts) => {
          const headers = Object.fromEntries(names.map((name, at) => [name, texts[at]!]));
          return to
            .updateTable("subscriptions")
            .set({ definition: JSON.stringify({ ...definition, headers }) })
            .where("subscription_id", "=", subscription_id)
            .execute();
        },
      };
    });
  },
];

/** Goes through all rows of all tables, a page a transaction. @param isOver asked between pages */
async function eachPage(
  db: Kysely<Database>,
  current: string | undefined,
  isOver: () => boolean,
  page: (rows: readonly Row[], tx: Tx) => Promise<void>,
): Promise<void> {
  for (const table of tables)
    for (let after: string | undefined = ""; after !== undefined && !isOver(); ) {
      const behind: string = after;
      after = await asService(db, async (tx) => {
        const rows = await table(tx, behind, current);
        await page(rows, tx);
        return rows.at(-1)?.id;
      });
    }
}

/** Whether a text opens by no key, though the ring has the one that it says: it is damaged. */
function isDamaged(vault: Vault, { text, place }: Text): boolean {
  try {
    vault.open(text, place);
    return false;
  } catch {
    return vault.has(sealedBy(text)!);
  }
}

/**
 * Seals texts by the vault's current key: those sealed by another key, and those that were stored before texts were sealed. One that can't
 * be opened stays as it is, is told of, and keeps no other from being sealed.
 * @param isOver asked between pages: the next call seals the rest
 * @returns how many texts it sealed; 0: all of them are that can be
 */
export async function sealAnew(
  db: Kysely<Database>,
  vault: Vault,
  isOver: () => boolean = () => false,
): Promise<number> {
  let sealed = 0;
  await eachPage(db, vault.current, isOver, async (rows, tx) => {
    for (const row of rows) {
      let changed = 0;
      const texts = row.texts.map(({ text, place }) => {
        if (sealedBy(text) === vault.current) return text;
        try {
          const anew = vault.seal(vault.open(text, place), place);
          changed += 1;
          return anew;
        } catch (error) {
          const [customer_id, subscription_id, member] = place;
          log("error", "sealing.unopened", { customer_id, subscription_id, member, error: errorText(error) });
          return text;
        }
      });
      if (changed > 0) await row.write(tx, texts);
      sealed += changed;
    }
  });
  return sealed;
}

export async function countSealed(db: Kysely<Database>, vault: Vault): Promise<SealedCounts> {
  const versions: Record<string, number> = {};
  let damaged = 0;
  await eachPage(
    db,
    undefined,
    () => false,
    async (rows) => {
      for (const text of rows.flatMap(({ texts }) => texts)) {
        const version = sealedBy(text.text) ?? "";
        if (isDamaged(vault, text)) damaged += 1;
        else versions[version] = (versions[version] ?? 0) + 1;
      }
    },
  );
  return { versions, damaged };
}
