import { Redis } from "ioredis";
import type { Millis } from "../domain/time.ts";

/** The scripts ingest runs, by name, each in one atomic step. */
export interface RedisScripts {
  /** @throws when Redis is away, refuses, or takes longer than `patienceMs` */
  run(
    script: ScriptName,
    keys: readonly string[],
    args: readonly (string | number)[],
    patienceMs: Millis,
  ): Promise<unknown>;
}

export interface RedisConnection extends RedisScripts {
  /** Resolves when connected, or when the time is over. */
  ready(patienceMs: Millis): Promise<void>;
  /** One plain command. @throws as `run` does */
  command(name: string, args: readonly (string | number)[], patienceMs: Millis): Promise<unknown>;
  close(): Promise<void>;
}

export type ScriptName = "window" | "claim" | "settle" | "forget";

export interface RedisSettings {
  /** `rediss://host:port`, or `redis://` to a loopback host. */
  readonly url: string;
  /** Its token; empty when it has none. */
  token(): Promise<string>;
  /** Those that the function runs. */
  readonly scripts: Readonly<Partial<Record<ScriptName, string>>>;
}

/** Which Redis a function uses, as its environment says it. */
interface RedisVariables {
  readonly REDIS_URL: string;
  /** Id of the secret that holds its token; empty when it has none. */
  readonly REDIS_AUTH_SECRET: string;
}

/** The Redis that a function's environment names. @param secret reads a secret by its id */
export const redisOf = (
  { REDIS_URL, REDIS_AUTH_SECRET }: RedisVariables,
  secret: (id: string) => Promise<string>,
  scripts: RedisSettings["scripts"],
): RedisConnection =>
  connectRedis({
    url: REDIS_URL,
    token: async () => (REDIS_AUTH_SECRET === "" ? "" : secret(REDIS_AUTH_SECRET)),
    scripts,
  });

const CONNECT_TIMEOUT_MS = 1_000;
/**
 * Milliseconds after which a connection that has still not answered a command is taken for dead. A lost host closes no connection, and TCP gives up only
 * after minutes. `ioredis` could watch each command for this, which costs a tenth of what ingest computes; here only a command that is late is watched.
 */
const SILENT_MS = 3_000;
/** After so many commands in a row without an answer in time, the next is sent over a connection of its own. */
const TIMEOUTS_IN_A_ROW = 3;

class Late extends Error {}

/**
 * Rejects after the time, and leaves no timer behind. An answer that has come by then is read first: if this process was the busy one,
 * Redis counts as quick.
 */
function within<T>(work: Promise<T>, ms: Millis): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Late(`Redis took longer than ${ms} ms`));
    const timer = setTimeout(() => setImmediate(late), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * One connection a function instance, made at the first call and again after it broke. While the connection is down, commands fail at
 * once. Queued ones would count and claim later, when their callers are gone. A connection
 * that has gone silent is given up, so that an environment is back as soon as Redis is.
 */
export function connectRedis({ url, token, scripts }: RedisSettings): RedisConnection {
  let connecting: Promise<Redis> | undefined;
  let current: Redis | undefined;
  let late = 0;

  const open = async (): Promise<Redis> => {
    const password = await token();
    const client = new Redis(url, {
      ...(password === "" ? {} : { password }),
      lazyConnect: true,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      retryStrategy: () => null,
      scripts: Object.fromEntries(Object.entries(scripts).map(([name, lua]) => [name, { lua }])),
    });
    client.on("error", () => {}); // every command reports its own
    client.once("end", () => {
      if (current === client) connecting = undefined;
    });
    current = client;
    await client.connect();
    return client;
  };

  const connected = (): Promise<Redis> => {
    connecting ??= open().catch((cause) => {
      connecting = undefined;
      throw cause;
    });
    return connecting;
  };

  const drop = (): void => {
    late = 0;
    connecting = undefined;
    current?.disconnect();
  };

  /**
   * Gives the connection up unless this command is answered within `SILENT_MS`. An answer that has come by then is read first.
   * @param agoMs how long ago it was asked
   */
  function watch(command: Promise<unknown>, agoMs: Millis): void {
    const asked = current;
    let answered = false;
    const giveUp = () => {
      if (!answered && asked === current) drop();
    };
    const timer = setTimeout(() => setImmediate(giveUp), SILENT_MS - agoMs).unref();
    const settled = () => {
      answered = true;
      clearTimeout(timer);
    };
    command.then(settled, settled);
  }

  /** Asks within the time, and counts how often in a row there was no answer in it. */
  async function ask(work: (client: Redis) => Promise<unknown>, patienceMs: Millis): Promise<unknown> {
    const command = connected().then(work);
    if (patienceMs > SILENT_MS) watch(command, 0);
    try {
      const answer = await within(command, patienceMs);
      late = 0;
      return answer;
    } catch (error) {
      if (!(error instanceof Late)) throw error;
      late += 1;
      if (late >= TIMEOUTS_IN_A_ROW) drop();
      else watch(command, patienceMs);
      throw error;
    }
  }

  return {
    ready: (patienceMs) =>
      within(connected(), patienceMs).then(
        () => undefined,
        () => undefined,
      ),
    command: (name, args, patienceMs) => ask((client) => client.call(name, ...args), patienceMs),
    close: async () => {
      const client = await connecting?.catch(() => undefined);
      client?.disconnect();
    },
    run: (script, keys, args, patienceMs) =>
      ask((client) => {
        const command = (client as unknown as Record<ScriptName, (...args: unknown[]) => Promise<unknown>>)[script];
        return command.call(client, keys.length, ...keys, ...args);
      }, patienceMs),
  };
}
