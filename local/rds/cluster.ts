import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { StartError } from "../startError.ts";

/** Whose database a cluster holds. */
export interface Owner {
  readonly user: string;
  readonly database: string;
}

/**
 * The folder of a PostgreSQL cluster. `initdb` takes 1.5 s, so an empty cluster is made once a machine and copied for each new state. Invariant:
 * a folder that a kill left half done never passes for a cluster, since it gets its name last.
 */
export class Cluster {
  readonly #data: string;
  readonly #templates: string;
  /**
   * Tables and indexes whose file did not end at the end of a block when the cluster was found, as no write of PostgreSQL leaves it: something else
   * has cut it. PostgreSQL mends what its log has, and fills up what it writes to, so they are looked for before it starts.
   * Source: postgresql.org/docs/current/storage-file-layout.html.
   * @example ["base/16385/2662 (30298 bytes)"]
   */
  readonly cutShort: readonly string[];
  #base: Promise<PGlite> | undefined;

  /** @param templates folder of the empty clusters, one an owner */
  constructor(data: string, templates: string) {
    this.#data = data;
    this.#templates = templates;
    this.cutShort = filesCutShort(data);
  }

  /** Whose cluster it is, if there is one already. */
  owner(): Owner | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#data, OWNER_FILE), "utf8")) as Owner;
    } catch {
      return undefined;
    }
  }

  /** Whose cluster it will be, as far as can be told before it is declared: as last time, or as every other state's. */
  guess(): Owner | undefined {
    if (this.#exists()) return this.owner();
    const kept = existsSync(this.#templates)
      ? readdirSync(this.#templates).filter((name) => !name.includes(".new"))
      : [];
    const [user, database] = kept.length === 1 ? kept[0]!.split("@").map(decodeURIComponent) : [];
    return user === undefined || database === undefined ? undefined : { user, database };
  }

  /** Starts on the slow part before the owner is known, where there will be one. */
  warm(): void {
    if (!this.#exists()) this.#initialise().catch(() => {});
  }

  /** Makes it if need be, and opens it. @throws StartError when PostgreSQL does not start on the files that are there */
  async open(owner: Owner): Promise<PGlite> {
    if (!this.#exists()) {
      const template = join(this.#templates, `${encodeURIComponent(owner.user)}@${encodeURIComponent(owner.database)}`);
      if (!existsSync(template)) await this.#makeTemplate(template, owner);
      this.#settle(template, owner);
    }
    const db = await PGlite.create({ dataDir: this.#data, database: owner.database }).catch((cause: Error) => {
      const cut = this.cutShort;
      throw new StartError(
        `${this.#data}, which holds the database, is damaged: PostgreSQL does not start on it (${cause.message}).${cut.length === 0 ? "" : `\nThese files do not end at the end of a block of ${BLOCK_BYTES} bytes: ${cut.join(", ")}.`}\nPut back a copy of this folder if there is one. Or move it away and start again: the database begins empty then.`,
        { cause },
      );
    });
    await db.exec(provideIamRole(owner.user));
    return db;
  }

  /** Undoes the making of a cluster for an owner that was guessed wrongly. */
  remove(): void {
    rmSync(this.#data, { recursive: true, force: true });
  }

  #exists(): boolean {
    return existsSync(join(this.#data, "PG_VERSION"));
  }

  #initialise(): Promise<PGlite> {
    if (this.#base === undefined) {
      mkdirSync(this.#baseFolder(), { recursive: true });
      this.#base = PGlite.create({ dataDir: this.#baseFolder(), database: "template1" });
    }
    return this.#base;
  }

  #baseFolder(): string {
    return join(this.#templates, `base.new.${process.pid}`);
  }

  async #makeTemplate(template: string, { user, database }: Owner): Promise<void> {
    const db = await this.#initialise();
    // As the master user of RDS: may make roles and databases, is no superuser, is bound by row-level security.
    // Old segments of the log go away instead of being used again, so that a scrub leaves nothing in them.
    await db.exec("ALTER SYSTEM SET wal_recycle = off");
    await db.exec(`CREATE ROLE ${quoted(user)} LOGIN CREATEROLE CREATEDB`);
    await db.exec(`CREATE DATABASE ${quoted(database)} OWNER ${quoted(user)}`);
    // Half the files of a cluster are those of databases that nobody opens, and each new state is a copy.
    await db.exec("UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'");
    await db.exec("DROP DATABASE template0");
    await db.exec("DROP DATABASE postgres");
    await db.close();
    this.#base = undefined;
    rmSync(join(this.#baseFolder(), "postmaster.pid"), { force: true });
    try {
      renameSync(this.#baseFolder(), template);
    } catch {
      // Another platform that started at the same time has made it.
      rmSync(this.#baseFolder(), { recursive: true, force: true });
    }
  }

  #settle(template: string, owner: Owner): void {
    const copy = `${this.#data}.new`;
    rmSync(copy, { recursive: true, force: true });
    cpSync(template, copy, { recursive: true });
    writeFileSync(join(copy, OWNER_FILE), JSON.stringify(owner));
    rmSync(this.#data, { recursive: true, force: true });
    renameSync(copy, this.#data);
  }
}

/** The role of RDS for users that sign in by IAM, which its master user may grant. */
const provideIamRole = (user: string): string => `do $$ begin
  if not exists (select from pg_roles where rolname = 'rds_iam') then
    create role rds_iam nologin;
    grant rds_iam to ${quoted(user)} with admin true, inherit false, set false;
  end if;
end $$`;

const OWNER_FILE = "owner.json";

const BLOCK_BYTES = 8_192;
/** Files of tables and indexes, such as `base/16385/2662` and `global/1260_fsm`. */
const RELATION = /\/\d+(_(fsm|vm|init))?(\.\d+)?$/;

const filesCutShort = (data: string): string[] =>
  globSync(["base/*/*", "global/*"], { cwd: data })
    .filter((path) => RELATION.test(path))
    .map((path) => ({ path, size: statSync(join(data, path)).size }))
    .filter(({ size }) => size % BLOCK_BYTES !== 0)
    .map(({ path, size }) => `${path} (${size} bytes)`)
    .sort();

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
