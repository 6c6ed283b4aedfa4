import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { createFront } from "./front.ts";

/**
 * PostgreSQL in a thread of its own: PGlite, and the server that its clients connect to. A new cluster is a copy of one made once and kept
 * (making one takes 1.8 s, the copy a tenth of that).
 */
export interface RdsWorkerData {
  /** Folder of the cluster. */
  readonly data: string;
  /** Folder of the empty clusters that new ones are copied from. */
  readonly template: string;
}
export interface OpenRequest {
  readonly user: string;
  readonly database: string;
}
export type RdsWorkerMessage = { readonly port: number } | { readonly failed: string };

const { data, template } = workerData as RdsWorkerData;
const port = parentPort!;

/** An empty cluster with the role and the database. */
async function makeCluster(folder: string, { user, database }: OpenRequest): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const db = await PGlite.create({ dataDir: folder });
  // As the master user of RDS: may make roles and databases, is no superuser, is bound by row-level security.
  await db.exec(`CREATE ROLE ${quoted(user)} LOGIN CREATEROLE CREATEDB`);
  await db.exec(`CREATE DATABASE ${quoted(database)} OWNER ${quoted(user)}`);
  await db.close();
  rmSync(join(folder, "postmaster.pid"), { force: true });
}

async function prepare(request: OpenRequest): Promise<void> {
  if (existsSync(join(data, "PG_VERSION"))) return;
  const kept = join(template, `${encodeURIComponent(request.user)}@${encodeURIComponent(request.database)}`);
  if (!existsSync(kept)) {
    const fresh = `${kept}.${process.pid}`;
    await makeCluster(fresh, request);
    try {
      renameSync(fresh, kept);
    } catch {
      // Another platform that started at the same time has made it.
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  // A copy that a kill cut short must not pass for a cluster.
  rmSync(`${data}.new`, { recursive: true, force: true });
  cpSync(kept, `${data}.new`, { recursive: true });
  rmSync(data, { recursive: true, force: true });
  renameSync(`${data}.new`, data);
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function open(request: OpenRequest): Promise<{ db: PGlite; port: number }> {
  const { user, database } = request;
  await prepare(request);
  const db = await PGlite.create({ dataDir: data, database });
  await db.exec(`SET SESSION AUTHORIZATION ${quoted(user)}`);
  const { rows } = await db.query<{ server_version: string }>("SHOW server_version");
  const server = createFront(
    {
      exec: (messages) => db.runExclusive(() => db.execProtocolRaw(messages)),
      async rollback() {
        await db.exec("ROLLBACK");
      },
    },
    { user, database, version: rows[0]!.server_version },
  );
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return { db, port: (server.address() as AddressInfo).port };
}

let opened: PGlite | undefined;

port.on("message", async (message: OpenRequest | "close") => {
  if (message === "close") {
    await opened?.close();
    process.exit(0);
  }
  try {
    const { db, port: listening } = await open(message);
    opened = db;
    port.postMessage({ port: listening } satisfies RdsWorkerMessage);
  } catch (thrown) {
    port.postMessage({ failed: String((thrown as Error).stack) } satisfies RdsWorkerMessage);
  }
});
