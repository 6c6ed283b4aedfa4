import type { Context } from "hono";
import { asCustomer, type Tx } from "../database/roles.ts";
import type { ApiEnv, Deps } from "./deps.ts";

/** Runs `work` in a transaction that sees only the rows of the customer who calls. */
export const asCaller = <T>({ db }: Pick<Deps, "db">, c: Context<ApiEnv>, work: (tx: Tx) => Promise<T>): Promise<T> =>
  asCustomer(db, c.get("identity").customer_id, work);
