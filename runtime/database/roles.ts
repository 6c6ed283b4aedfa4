import { type Kysely, sql, type Transaction } from "kysely";
import type { Database } from "./schema.ts";

/**
 * Row-level security, the second wall between customers. For every user that connects, each transaction first takes one of two roles.
 * Neither owns a table or may bypass it: `triggers_app` sees the rows of the one customer it names and no others, even if
 * a query forgets to name it; `triggers_service` sees all and is for the platform's own functions. Both last for the
 * transaction only, so a pooled connection carries nothing over.
 */
export const APP_ROLE = "triggers_app";
const SERVICE_ROLE = "triggers_service";

/** No statement outlives the request that asked for it. */
const STATEMENT_TIMEOUT = "20s";

export type Tx = Transaction<Database>;

/** Settings of the transaction alone, all in one round trip. */
const settle = (tx: Tx, role: string, customerId: string) =>
  sql`select set_config('app.customer_id', ${customerId}, true),
             set_config('statement_timeout', ${STATEMENT_TIMEOUT}, true),
             set_config('role', ${role}, true)`.execute(tx);

/**
 * Runs `work` in a transaction that sees only this customer's rows.
 * @param isolation "repeatable read" where several statements have to see one moment @default that of PostgreSQL: each its own
 */
export function asCustomer<T>(
  db: Kysely<Database>,
  customerId: string,
  work: (tx: Tx) => Promise<T>,
  isolation?: "repeatable read",
): Promise<T> {
  const transaction = db.transaction();
  return (isolation === undefined ? transaction : transaction.setIsolationLevel(isolation)).execute(async (tx) => {
    await settle(tx, APP_ROLE, customerId);
    return work(tx);
  });
}

/** Runs `work` in a transaction of the platform itself, which sees every customer's rows. */
export function asService<T>(db: Kysely<Database>, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction().execute(async (tx) => {
    await settle(tx, SERVICE_ROLE, "");
    return work(tx);
  });
}
