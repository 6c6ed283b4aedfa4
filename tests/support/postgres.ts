/**
 * A PostgreSQL server of its own, as one installs it: it runs transactions at once, where PGlite runs one after the other. So what must
 * hold for calls that come at once is tried here.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Kysely } from "kysely";
import { connect } from "../../runtime/database/connect.ts";
import { migrate } from "../../runtime/database/migrate.ts";
import type { Database } from "../../runtime/database/schema.ts";
import { freePort } from "./freePort.ts";

export interface Server {
  /** Connections of one more environment. */
  connect(): Kysely<Database>;
  close(): Promise<void>;
}

/** Folder with its programs: one of the path, or where Debian puts the newest. */
export const postgresHere = (): string | undefined =>
  [...(process.env.PATH ?? "").split(delimiter), ...globSync("/usr/lib/postgresql/*/bin").sort().reverse()].find(
    (folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")),
  );

/** Root may not run it: it runs as the user that its package has made. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const idOf = (what: string) => Number(execFileSync("id", [what, "postgres"], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}

/** Started in a folder of its own, with all migrations done. @param programs `postgresHere()` */
export async function startPostgres(programs: string): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "triggers-postgres-"));
  const user = unprivileged();
  if (user.uid !== undefined) chownSync(folder, user.uid, user.gid!);
  const data = join(folder, "data");
  const how = { ...user, cwd: folder };
  // Its messages are English then, of which one is waited for.
  const made = ["-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"];
  execFileSync(join(programs, "initdb"), made, { ...how, stdio: "pipe" });
  const port = await freePort();
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", `unix_socket_directories=${folder}`, "fsync=off"];
  const asked = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  const server = spawn(join(programs, "postgres"), asked, { ...how, stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(server, "exit");
  const ready = new Promise<void>((resolve, reject) => {
    let said = "";
    server.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("ready to accept connections")) resolve();
    });
    void ended.then(() => reject(new Error(`PostgreSQL ended before it was ready:\n${said}`)));
  });
  const opened: Kysely<Database>[] = [];
  const open = () => {
    const db = connect({
      DATABASE_HOST: "127.0.0.1",
      DATABASE_PORT: String(port),
      DATABASE_NAME: "postgres",
      DATABASE_USER: "postgres",
    });
    opened.push(db);
    return db;
  };
  const close = async () => {
    await Promise.all(opened.map((db) => db.destroy()));
    server.kill("SIGINT");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready;
    await migrate(open());
  } catch (cause) {
    await close();
    throw cause;
  }
  return { connect: open, close };
}
