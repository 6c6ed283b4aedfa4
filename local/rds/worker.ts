import type { AddressInfo, Server } from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { PGlite } from "@electric-sql/pglite";
import { Cluster, type Owner, quoted } from "./cluster.ts";
import { createFront, type Refusal } from "./front.ts";
import type { SignIn } from "./signIn.ts";

/**
 * PostgreSQL in a thread of its own: PGlite, and the server that its clients connect to. It begins before the database is declared, with the
 * owner of last time, and begins again in the rare case that another is declared.
 */
export interface RdsWorkerData {
  /** Folder of the cluster. */
  readonly data: string;
  /** Folder of the empty clusters that new ones are copied from. */
  readonly templates: string;
  /** Where passwords are judged: by those who know the roles. Undefined: nobody is asked for one. */
  readonly judge: MessagePort | undefined;
}
export type SignInQuestion = SignIn & { readonly id: number };
export interface SignInVerdict {
  readonly id: number;
  readonly may: boolean;
}
export type RdsTask =
  | { readonly open: Owner }
  /** From now on clients come through a proxy whose target was just registered. */
  | { readonly register: true }
  | { readonly health: true }
  | { readonly scrub: true }
  | { readonly close: true };
/** Of the proxy's target, as DescribeDBProxyTargets tells it. */
export interface TargetHealth {
  readonly State: "AVAILABLE" | "UNAVAILABLE";
  readonly Reason?: "PENDING_PROXY_CAPACITY" | "AUTH_FAILURE";
  readonly Description?: string;
}
export type RdsWorkerMessage =
  | { readonly port: number; readonly cutShort: readonly string[] }
  | { readonly done: true }
  | { readonly health: TargetHealth }
  /** `start`: it is said to who starts the platform, as it is. */
  | { readonly failed: string; readonly start: boolean };

interface Opened {
  /** Whether the proxy serves, and the reason where it does not. */
  health(): TargetHealth;
  readonly db: PGlite;
  readonly server: Server;
  readonly port: number;
  readonly owner: Owner;
}

const { data, templates, judge } = workerData as RdsWorkerData;
const verdicts = new Map<number, (may: boolean) => void>();
judge?.on("message", ({ id, may }: SignInVerdict) => {
  verdicts.get(id)?.(may);
  verdicts.delete(id);
});
let questions = 0;

function maySignIn(signIn: SignIn): Promise<boolean> {
  questions += 1;
  const id = questions;
  return new Promise((resolve) => {
    verdicts.set(id, resolve);
    judge!.postMessage({ id, ...signIn } satisfies SignInQuestion);
  });
}
const port = parentPort!;
const cluster = new Cluster(data, templates);

/**
 * A target is not available as soon as it is registered: the proxy first gets its capacity, which takes minutes in AWS. Here the
 * first client that comes is turned away, and the next one served. Message and code are RDS Proxy's.
 */
let pending = false;
const PENDING: Refusal = { code: "08000", message: "Timed-out waiting to acquire database connection" };

async function open(owner: Owner): Promise<Opened> {
  const { user, database } = owner;
  const db = await cluster.open(owner);
  await db.exec(`SET SESSION AUTHORIZATION ${quoted(user)}`);
  const { rows } = await db.query<{ server_version: string }>("SHOW server_version");
  let byIam = await signsInByIam(db, user);
  const server = createFront(
    {
      exec: (messages) => db.runExclusive(() => db.execProtocolRaw(messages)),
      async rollback() {
        await db.exec("ROLLBACK");
      },
    },
    {
      user,
      database,
      version: rows[0]!.server_version,
      maySignIn: judge === undefined ? undefined : maySignIn,
      admit() {
        if (pending) {
          pending = false;
          return PENDING;
        }
        return byIam ? { code: "28000", message: `PAM authentication failed for user "${user}"` } : undefined;
      },
      async rolesChanged() {
        byIam = await signsInByIam(db, user);
      },
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return { db, server, port: (server.address() as AddressInfo).port, owner, health: () => healthOf(byIam) };
}

/** What RDS says of the target. Source: TargetHealth in the RDS API reference. */
function healthOf(byIam: boolean): TargetHealth {
  if (pending)
    return {
      State: "UNAVAILABLE",
      Reason: "PENDING_PROXY_CAPACITY",
      Description: "DBProxy Target is waiting for proxy to scale to desired capacity",
    };
  if (byIam)
    return {
      State: "UNAVAILABLE",
      Reason: "AUTH_FAILURE",
      Description: "Proxy does not have any registered credentials",
    };
  return { State: "AVAILABLE" };
}

/**
 * Whether a user signs in by IAM token and no longer by password, as the proxy does: RDS asks for the first of every member of
 * `rds_iam`, also by way of other roles. On RDS the master user may grant `rds_iam` without being a member; PostgreSQL gives that
 * right only as a membership, which is therefore ignored here. Source: RDS user guide, "IAM database authentication",
 * limitations; the line `hostssl all +rds_iam all pam` of its pg_hba.conf.
 */
async function signsInByIam(db: PGlite, user: string): Promise<boolean> {
  const { rows } = await db.query<{ member: boolean }>(
    `with recursive held(role) as (
       select oid from pg_roles where rolname = $1
       union
       select m.roleid from pg_auth_members m join held on m.member = held.role
       where not (m.admin_option and not m.inherit_option and not m.set_option
         and m.roleid = 'rds_iam'::regrole and m.grantor = 10))
     select exists (select from held where role = 'rds_iam'::regrole) as member`,
    [user],
  );
  return rows[0]!.member;
}

async function openAs(owner: Owner): Promise<Opened> {
  const early = await opened?.catch(() => undefined);
  if (early !== undefined) {
    if (early.owner.user === owner.user && early.owner.database === owner.database) return early;
    early.server.close();
    await early.db.close();
    if (!hadOwner) cluster.remove();
  }
  return open(owner);
}

/**
 * Leaves nothing of deleted rows in the files: rewrites the tables, and gives the log's old segments back. Only the owner of a database may
 * vacuum it, and only a superuser switch the log.
 */
async function scrub({ db, owner }: Opened): Promise<void> {
  await db.runExclusive(async () => {
    for (const sql of [
      "RESET SESSION AUTHORIZATION",
      "VACUUM FULL",
      "CHECKPOINT",
      "SELECT pg_switch_wal()",
      "CHECKPOINT",
      `SET SESSION AUTHORIZATION ${quoted(owner.user)}`,
    ])
      await db.execProtocolRaw(simpleQuery(sql));
  });
}

function simpleQuery(sql: string): Uint8Array {
  const text = Buffer.from(`${sql}\0`);
  const message = Buffer.alloc(5 + text.length);
  message.write("Q");
  message.writeUInt32BE(4 + text.length, 1);
  text.copy(message, 5);
  return message;
}

const hadOwner = cluster.owner() !== undefined;
const guessed = cluster.guess();
let opened = guessed === undefined ? undefined : open(guessed);
opened?.catch(() => {});
if (guessed === undefined) cluster.warm();

port.on("message", async (task: RdsTask) => {
  try {
    if ("open" in task) {
      opened = openAs(task.open);
      port.postMessage({ port: (await opened).port, cutShort: cluster.cutShort } satisfies RdsWorkerMessage);
    } else if ("register" in task) {
      pending = true;
      port.postMessage({ done: true } satisfies RdsWorkerMessage);
    } else if ("health" in task) {
      port.postMessage({ health: (await opened)!.health() } satisfies RdsWorkerMessage);
    } else if ("scrub" in task) {
      await scrub((await opened)!);
      port.postMessage({ done: true } satisfies RdsWorkerMessage);
    } else {
      await (await opened)?.db.close();
      process.exit(0);
    }
  } catch (thrown) {
    if ("close" in task) process.exit(0);
    const { name, message, stack } = thrown as Error;
    const start = name === "StartError";
    port.postMessage({ failed: start ? message : String(stack), start } satisfies RdsWorkerMessage);
  }
});
