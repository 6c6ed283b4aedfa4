import { spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { Redis } from "ioredis";
import { defined } from "../../runtime/domain/defined.ts";

/**
 * A Redis server of this machine, run on the state. Invariant: at most one server uses the folder, and none outlives its platform. A
 * shell stands between the two: it holds the end of a pipe from the platform, and when that breaks, be it by SIGKILL, it ends the server. Where
 * the shell was killed, too, the next start ends the server that it finds, by the port that is written down and the token.
 */
export interface RedisChild {
  readonly port: number;
  /** A client of its own, that the caller disconnects. */
  client(): Redis;
  close(): Promise<void>;
}

const RECORD = "server.json";
/** Of the program in $1: its standard input is the platform's, its life hangs on descriptor 3. */
const SUPERVISE = 'exec 4<&0; "$1" - <&4 & child=$!; { read _ <&3; kill -TERM "$child"; } 2>/dev/null & wait "$child"';
const PATIENCE_MS = 10_000;

export async function startChild(program: string, folder: string, token: string | undefined): Promise<RedisChild> {
  await endOrphan(folder, token);
  const port = await freePort();
  // Everything written goes to the operating system before it is answered, so that a SIGKILL of either process loses nothing.
  const settings = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    "appendonly yes",
    "appendfsync everysec",
    // Commands alone: the embedded one can read them.
    "aof-use-rdb-preamble no",
    'save ""',
    "maxmemory-policy noeviction",
    ...(token === undefined ? [] : [`requirepass ${token}`]),
  ];
  const child = spawn("sh", ["-c", SUPERVISE, "sh", program], {
    stdio: ["pipe", "ignore", "pipe", "pipe"],
    // Ctrl-C must not end it directly, because the work in progress has to finish first.
    detached: true,
  });
  const [stdin, , stderr, lifeline] = child.stdio as unknown as [Writable, null, Readable, Writable];
  // By standard input: on the command line the token would be for everyone to read.
  stdin.end(`${settings.join("\n")}\n`);
  lifeline.on("error", () => {});
  let complaint = "";
  stderr.on("data", (data: Buffer) => {
    complaint += data.toString();
  });
  let gone = false;
  const ended = new Promise<void>((resolve) =>
    child.once("exit", () => {
      gone = true;
      resolve();
    }),
  );
  writeFileSync(join(folder, RECORD), JSON.stringify({ port }));
  while (!(await answers(port))) {
    if (gone) throw new Error(`${program} does not start: ${complaint.trim()}`);
    await pause();
  }
  return {
    port,
    client: () => clientOf(port, token),
    async close() {
      lifeline.destroy();
      await ended;
      rmSync(join(folder, RECORD), { force: true });
    },
  };
}

const clientOf = (port: number, token: string | undefined): Redis =>
  new Redis({
    port,
    host: "127.0.0.1",
    ...defined({ password: token }),
    retryStrategy: () => null,
  });

/** Ends a server that an earlier platform left behind on this folder, and waits until it has let go of the files. */
async function endOrphan(folder: string, token: string | undefined): Promise<void> {
  let port: number;
  try {
    port = Number((JSON.parse(readFileSync(join(folder, RECORD), "utf8")) as { port: unknown }).port);
  } catch {
    return;
  }
  const until = Date.now() + PATIENCE_MS;
  while (Number.isInteger(port) && (await answers(port)) && Date.now() < until) {
    const client = clientOf(port, token);
    client.on("error", () => {});
    try {
      // Another program that listens there now has another token, or does not know this command.
      const [, dir] = (await client.config("GET", "dir")) as [string, string];
      if (dir !== folder) return;
      await client.shutdown("NOSAVE");
    } catch {
      if (await answers(port)) return;
    } finally {
      client.disconnect();
    }
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10));

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

/** Whether something accepts connections on the port. */
const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
