import { once } from "node:events";
import { createRequire } from "node:module";
import type { AddressInfo, Server } from "node:net";
import { dirname, join } from "node:path";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { cacheFolder, threadEnvironment } from "../cache.ts";
import type { Iam } from "../iam.ts";
import type { LocalContext } from "../service.ts";
import { StartError } from "../startError.ts";
import type { Owner } from "./cluster.ts";
import { sessionOf } from "./elsewhere.ts";
import { createGate } from "./front.ts";
import { maySignIn } from "./signIn.ts";
import type { RdsTask, RdsWorkerData, RdsWorkerMessage, SignInQuestion, SignInVerdict } from "./worker.ts";

/** The one database: a server named by a URL, or PGlite in a thread of its own with its cluster in the state. */

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
}

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database` of a server to use instead of PGlite. The password may be missing. */
  readonly databaseUrl?: string | undefined;
  /** Folder of the empty clusters that new ones are copied from. @default one of this machine */
  readonly templates?: string;
  /** Who may sign in, by IAM token. Undefined: nobody is asked. */
  readonly iam?: Pick<Iam, "callerOf" | "refusal">;
}

const require = createRequire(import.meta.url);

/** Where the empty cluster of this version of PGlite is kept between starts, also those with another state. */
function templateFolder(): string {
  const entry = require.resolve("@electric-sql/pglite");
  const { version } = require(join(dirname(dirname(entry)), "package.json")) as { version: string };
  return cacheFolder(`cluster-${version}`);
}

/** Signs in once. @throws StartError with what the server, or the URL, lacks, and without the password */
async function reached(url: string): Promise<void> {
  try {
    (await sessionOf(url)).socket.destroy();
  } catch (cause) {
    const { message } = cause as Error;
    throw new StartError(
      `The PostgreSQL server that DATABASE_URL names can't be used: ${message || (cause as NodeJS.ErrnoException).code}. Set it to postgres://user:password@host:port/database of a server that runs, or leave it out for the embedded one.`,
      { cause },
    );
  }
}

export class LocalDatabase {
  /** Undefined until it is open. */
  address: Address | undefined;
  /** What may be connected to, as IAM policies name it: instance and proxies have the same address here. */
  readonly names: string[] = [];
  readonly #context: LocalContext;
  readonly #options: DatabaseOptions;
  /** Folder of the cluster. */
  readonly #data: string;
  /** Undefined for a server of one's own. */
  readonly #worker: Worker | undefined;
  #gate: Server | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: LocalContext, options: DatabaseOptions) {
    this.#context = context;
    this.#options = options;
    this.#data = join(context.state, "postgres");
    if (options.databaseUrl !== undefined) return;
    const { port1: judge, port2: questions } = new MessageChannel();
    const asks = options.iam !== undefined;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      name: "rds",
      workerData: {
        data: this.#data,
        templates: options.templates ?? templateFolder(),
        judge: asks ? questions : undefined,
      } satisfies RdsWorkerData,
      transferList: asks ? [questions] : [],
      env: threadEnvironment(),
    });
    if (options.iam !== undefined) this.#judgeBy(options.iam, judge);
    judge.unref();
  }

  /** Whether a server of one's own stands in for PGlite. */
  get isElsewhere(): boolean {
    return this.#worker === undefined;
  }

  #judgeBy(iam: Pick<Iam, "callerOf" | "refusal">, judge: MessagePort): void {
    judge.on("message", async ({ id, ...signIn }: SignInQuestion) => {
      const may = await maySignIn(signIn, iam, this.#place(), this.#asUser);
      judge.postMessage({ id, may } satisfies SignInVerdict);
    });
  }

  readonly #asUser = (user: string): string[] => {
    const { region, accountId } = this.#context;
    return this.names.map((id) => `arn:aws:rds-db:${region}:${accountId}:dbuser:${id}/${user}`);
  };

  #place(): string {
    return `${this.address?.host}:${this.address?.port}`;
  }

  /** One task after the other. @throws Error with what PGlite says */
  ask(task: RdsTask): Promise<RdsWorkerMessage> {
    const answered = this.#last.then(() => this.#send(task));
    this.#last = answered.catch(() => {});
    return answered;
  }

  #send(task: RdsTask): Promise<RdsWorkerMessage> {
    const worker = this.#worker!;
    return new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", (message: RdsWorkerMessage) => {
        worker.off("error", reject);
        if ("failed" in message)
          reject(
            message.start
              ? new StartError(message.failed)
              : new Error(`PostgreSQL (PGlite) has failed: ${message.failed}`),
          );
        else resolve(message);
      });
      worker.postMessage(task);
    });
  }

  async open(owner: Owner): Promise<Address> {
    this.address = await this.#opened(owner);
    return this.address;
  }

  async #opened(owner: Owner): Promise<Address> {
    const { databaseUrl, iam } = this.#options;
    if (databaseUrl !== undefined) {
      await reached(databaseUrl);
      // Functions sign in as the owner by a token of IAM, which that server doesn't know: user, password and database of the URL are the platform's.
      const gate = createGate({
        ...owner,
        version: "",
        maySignIn: iam && ((signIn) => maySignIn(signIn, iam, this.#place(), this.#asUser)),
        upstream: () => sessionOf(databaseUrl),
      });
      this.#gate = gate;
      gate.listen(0, "127.0.0.1");
      await once(gate, "listening");
      return { host: "127.0.0.1", port: (gate.address() as AddressInfo).port, ...owner };
    }
    const answer = await this.ask({ open: owner });
    if (!("port" in answer)) throw new Error("the database has opened without a port");
    if (answer.cutShort.length > 0)
      this.#context.log(
        `database: files in ${this.#data} do not end at the end of a block, so something has cut them short, and what was there may be missing: ${answer.cutShort.join(", ")}; put back a copy of this folder if there is one`,
      );
    return { host: "127.0.0.1", port: answer.port, ...owner };
  }

  /** Leaves nothing of deleted rows in the state's files. */
  async scrub(): Promise<void> {
    if (this.#worker !== undefined && this.address !== undefined) await this.ask({ scrub: true });
  }

  async close(): Promise<void> {
    this.#gate?.close();
    const worker = this.#worker;
    if (worker === undefined) return;
    const ended = new Promise((resolve) => worker.once("exit", resolve));
    worker.postMessage({ close: true } satisfies RdsTask);
    await ended;
  }
}
