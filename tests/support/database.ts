import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import type { Kysely } from "kysely";
import { connect } from "../../runtime/database/connect.ts";
import { migrate } from "../../runtime/database/migrate.ts";
import type { Database } from "../../runtime/database/schema.ts";

export interface TestDatabase {
  readonly db: Kysely<Database>;
  /** Reaches the tables as their owner, behind the service's back. */
  readonly raw: PGlite;
  readonly port: number;
  close(): Promise<void>;
}

/** A PostgreSQL of its own (in memory, in this process), migrated, reached through `pg` as in a deployment. */
export async function startDatabase(): Promise<TestDatabase> {
  const raw = await PGlite.create();
  const server = new PGLiteSocketServer({ db: raw, port: 0, maxConnections: 20 });
  await server.start();
  const port = Number(server.getServerConn().split(":").at(-1));
  const db = connect({
    DATABASE_HOST: "127.0.0.1",
    DATABASE_PORT: String(port),
    DATABASE_NAME: "postgres",
    DATABASE_USER: "postgres",
  });
  await migrate(db);
  return {
    db,
    raw,
    port,
    close: async () => {
      await db.destroy();
      await server.stop();
      await raw.close();
    },
  };
}
