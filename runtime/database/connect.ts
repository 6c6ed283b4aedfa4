import { Signer } from "@aws-sdk/rds-signer";
import { Kysely, PostgresDialect } from "kysely";
import { Pool, types } from "pg";
import { readJson } from "../domain/json.ts";
import type { Database } from "./schema.ts";

export interface DatabaseEnvironment {
  readonly DATABASE_HOST: string;
  readonly DATABASE_PORT: string;
  readonly DATABASE_NAME: string;
  readonly DATABASE_USER: string;
}

const INT8 = 20;
const JSON_TYPE = 114;
// Our 64-bit columns are counters far below 2^53.
types.setTypeParser(INT8, Number);
types.setTypeParser(JSON_TYPE, (text) => readJson(text));

const CONNECTIONS = 2;

const isLoopback = (host: string): boolean => host === "localhost" || host === "::1" || host.startsWith("127.");

/**
 * A small pool: a function serves one invocation at a time. Signs in with an IAM token, over TLS whose certificate is
 * verified; on loopback (the local platform) without TLS.
 */
export function connect(env: DatabaseEnvironment): Kysely<Database> {
  const { DATABASE_HOST: host, DATABASE_NAME: database, DATABASE_USER: user } = env;
  const port = Number(env.DATABASE_PORT);
  const local = isLoopback(host);
  const signer = new Signer({ hostname: host, port, username: user });
  const pool = new Pool({
    host,
    port,
    database,
    user,
    password: () => signer.getAuthToken(),
    ssl: local ? false : { rejectUnauthorized: true },
    max: CONNECTIONS,
    connectionTimeoutMillis: 3_000,
    idleTimeoutMillis: 60_000,
    allowExitOnIdle: true,
  });
  // An idle connection that the server closes is replaced at the next query; without a listener it would end the process.
  pool.on("error", () => undefined);
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}
