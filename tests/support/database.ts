import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import type { Kysely } from "kysely";
import { cacheFolder } from "../../local/cache.ts";
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

const root = join(import.meta.dirname, "../..");

/** What tables are made of: any change of it makes the cluster of `template` anew. */
const sources = [
  "tests/support/database.ts",
  "runtime/database/**/*.ts",
  "runtime/domain/identity/*.ts",
  "node_modules/@electric-sql/pglite/package.json",
];

/**
 * File of a cluster with all migrations done: making one takes 4 s of CPU, loading one 0.2 s. A first process makes it for
 * those that follow; two at once make the same.
 */
const template = (): string => {
  const hash = createHash("sha256");
  for (const file of globSync(sources, { cwd: root }).sort()) hash.update(file).update(readFileSync(join(root, file)));
  return join(cacheFolder("tables"), `${hash.digest("hex").slice(0, 16)}.tar`);
};

/** PostgreSQL's code and its files, which all clusters of a process share. */
const program = (): { readonly pgliteWasmModule: WebAssembly.Module; readonly fsBundle: Blob } => {
  const folder = dirname(createRequire(import.meta.url).resolve("@electric-sql/pglite"));
  const bytesOf = (name: string) => readFileSync(join(folder, name));
  return {
    pgliteWasmModule: new WebAssembly.Module(bytesOf("pglite.wasm")),
    fsBundle: new Blob([bytesOf("pglite.data")]),
  };
};
let shared: ReturnType<typeof program> | undefined;

const load = (file: string): Promise<PGlite> => {
  shared ??= program();
  return PGlite.create({ ...shared, loadDataDir: new Blob([readFileSync(file)]) });
};

/** A cluster of its own in memory, with all migrations done. */
export async function startCluster(): Promise<PGlite> {
  const file = template();
  if (existsSync(file)) return load(file);
  const made = await PGlite.create();
  const { db, server } = await serve(made);
  await migrate(db);
  await db.destroy();
  await server.stop();
  // A third of the file would be databases that nobody opens.
  await made.exec("UPDATE pg_database SET datistemplate = false");
  for (const unopened of ["template0", "template1"]) await made.exec(`DROP DATABASE ${unopened}`);
  // What is loaded has nothing to recover from its log then.
  await made.exec("checkpoint");
  const dump = Buffer.from(await (await made.dumpDataDir("none")).arrayBuffer());
  await made.close();
  mkdirSync(dirname(file), { recursive: true });
  // Those of other versions of the tables are 26 MB each. That of this version may be another process's, which is about to load it.
  for (const other of globSync("*.tar", { cwd: dirname(file) }))
    if (other !== basename(file)) rmSync(join(dirname(file), other), { force: true });
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, dump);
  renameSync(unfinished, file);
  return load(file);
}

/** Reaches a cluster as a deployment does. */
async function serve(raw: PGlite) {
  const server = new PGLiteSocketServer({ db: raw, port: 0, maxConnections: 20 });
  await server.start();
  const port = Number(server.getServerConn().split(":").at(-1));
  const db = connect({
    DATABASE_HOST: "127.0.0.1",
    DATABASE_PORT: String(port),
    DATABASE_NAME: "postgres",
    DATABASE_USER: "postgres",
  });
  return { db, server, port };
}

/** A PostgreSQL of its own (in memory, in this process), migrated, reached through `pg` as in a deployment. */
export async function startDatabase(): Promise<TestDatabase> {
  const raw = await startCluster();
  const { db, server, port } = await serve(raw);
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
