import { accessSync, constants, mkdirSync } from "node:fs";
import { connect as connectTcp, createServer, type Server, type Socket } from "node:net";
import { delimiter, join } from "node:path";
import { connect as connectTls } from "node:tls";
import { Worker } from "node:worker_threads";
import type { Redis } from "ioredis";
import { threadEnvironment } from "./cache.ts";
import { embeddedToServer } from "./redis/carryOver.ts";
import { startChild } from "./redis/child.ts";
import { CommandReader, encode, OK, RedisError } from "./redis/resp.ts";
import type { RedisWorkerData, RedisWorkerMessage } from "./redis/worker.ts";
import { StartError } from "./startError.ts";

/**
 * The Redis behind ElastiCache's stand-in, by what there is: a server named by `REDIS_URL`; `valkey-server` or `redis-server` from the PATH, run
 * on the state; or the embedded one in a thread. Each listens on loopback without TLS and asks for the declared token.
 */
export interface RunningRedis {
  readonly port: number;
  readonly kind: "url" | "server" | "embedded";
  /** Leaves nothing of deleted values on the disk; a server at a URL sees to that itself. */
  scrub(): Promise<void>;
  close(): Promise<void>;
}

export interface RedisChoice {
  /** Folder for what has to survive. */
  readonly folder: string;
  readonly token: string | undefined;
  /** `redis[s]://[user:password@]host:port`. */
  readonly url?: string | undefined;
  /** Program to run, or false for none. */
  readonly server?: string | false;
  log?(line: string): void;
}

export async function startRedis(choice: RedisChoice): Promise<RunningRedis> {
  mkdirSync(choice.folder, { recursive: true });
  if (choice.url !== undefined) return frontFor(choice.url, choice.token);
  const program = choice.server ?? findServer();
  return program === false ? embedded(choice) : serverOf(program, choice);
}

/** `valkey-server` or `redis-server` from the PATH. */
export function findServer(): string | false {
  for (const name of ["valkey-server", "redis-server"]) {
    for (const folder of (process.env.PATH ?? "").split(delimiter).filter((one) => one !== "")) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not in this folder.
      }
    }
  }
  return false;
}

async function embedded({ folder, token, log = () => {} }: RedisChoice): Promise<RunningRedis> {
  const worker = new Worker(new URL("./redis/worker.ts", import.meta.url), {
    name: "redis",
    workerData: { folder, token } satisfies RedisWorkerData,
    env: threadEnvironment(),
  });
  const port = await new Promise<number>((resolve, reject) => {
    worker.on("message", function told(message: RedisWorkerMessage) {
      if ("line" in message) log(message.line);
      else if ("port" in message) resolve(message.port);
    });
    // On its way out of the thread an error loses its class: what ends it as it starts is the state that it opens.
    worker.once("error", (cause) => reject(new StartError(cause.message, { cause })));
  });
  return {
    port,
    kind: "embedded",
    async scrub() {
      const scrubbed = new Promise<void>((resolve) => {
        worker.on("message", function told(message: RedisWorkerMessage) {
          if (!("scrubbed" in message)) return;
          worker.off("message", told);
          resolve();
        });
      });
      worker.postMessage("scrub");
      await scrubbed;
    },
    async close() {
      const ended = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage("close");
      await ended;
    },
  };
}

async function serverOf(program: string, { folder, token, log = () => {} }: RedisChoice): Promise<RunningRedis> {
  const child = await startChild(program, folder, token);
  const client = child.client();
  try {
    await embeddedToServer(folder, client, log);
  } finally {
    client.disconnect();
  }
  return { port: child.port, kind: "server", scrub: () => rewrite(child.client()), close: child.close };
}

/** Has a server write its append-only file anew, and waits until it has. */
async function rewrite(client: Redis): Promise<void> {
  try {
    await client.bgrewriteaof();
    while (!/aof_rewrite_in_progress:0[\s\S]*aof_rewrite_scheduled:0/.test(await client.info("persistence"))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    client.disconnect();
  }
}

/**
 * Before a server that has its own password, or none, or TLS: takes the declared token from the client, gives the server
 * what its URL says, then passes bytes through.
 */
async function frontFor(url: string, token: string | undefined): Promise<RunningRedis> {
  const { hostname, port, username, password, protocol } = new URL(url);
  const target = { host: hostname, port: Number(port || 6379) };
  const greeting =
    password === ""
      ? ""
      : encode(["AUTH", ...(username === "" ? [] : [decodeURIComponent(username)]), decodeURIComponent(password)]);

  function pass(client: Socket): void {
    const upstream = protocol === "rediss:" ? connectTls({ ...target, servername: hostname }) : connectTcp(target);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      socket.on("error", end);
      socket.on("close", end);
      socket.setNoDelay(true);
    }
    const join = () => {
      client.pipe(upstream);
      upstream.pipe(client);
      client.resume();
    };
    if (greeting === "") join();
    else {
      upstream.write(greeting, "latin1");
      upstream.once("data", (reply) => {
        if (reply[0] === 0x2b) join();
        else end();
      });
    }
  }

  function accept(client: Socket): void {
    client.on("error", () => client.destroy());
    if (token === undefined) {
      pass(client.pause());
      return;
    }
    const reader = new CommandReader();
    const greet = (data: Buffer): void => {
      client.pause();
      const commands = reader.push(data);
      for (let i = 0; i < commands.length; i += 1) {
        const given = tokenOf(commands[i]!);
        if (given.token === token) {
          if (given.rest === undefined) client.write(encode(OK), "latin1");
          // What else came in the same packet is put back before what follows.
          const onward = [...(given.rest === undefined ? [] : [given.rest]), ...commands.slice(i + 1)];
          if (onward.length > 0) client.unshift(Buffer.from(onward.map((words) => encode(words)).join(""), "latin1"));
          pass(client);
          return;
        }
        client.write(encode(new RedisError(given.token === undefined ? NO_AUTH : WRONG_PASS)), "latin1");
      }
      client.once("data", greet);
      client.resume();
    };
    client.once("data", greet);
  }

  const server: Server = createServer(accept);
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    kind: "url",
    scrub: async () => {},
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

const NO_AUTH = "NOAUTH Authentication required.";
const WRONG_PASS = "WRONGPASS invalid username-password pair or user is disabled.";

/** The token that a command brings, if it does; of HELLO the rest is for the server. */
function tokenOf(words: readonly string[]): { readonly token?: string | undefined; readonly rest?: readonly string[] } {
  const name = words[0]?.toUpperCase();
  if (name === "AUTH") return { token: words.at(-1) };
  const at = name === "HELLO" ? words.findIndex((word) => word.toUpperCase() === "AUTH") : -1;
  return at < 0 ? {} : { token: words[at + 2], rest: [...words.slice(0, at), ...words.slice(at + 3)] };
}
