import { createServer, type Server } from "node:net";
import { createExecutor, VERSION } from "./execute.ts";
import type { Keyspace } from "./keyspace.ts";
import { Aggregate, CommandReader, encode, OK, type Protocol, RedisError, type Reply, Simple } from "./resp.ts";

/** The connections of the embedded Redis: authentication, transactions, and replies that wait until they are written. */
export interface RedisOptions {
  /** Undefined: nobody is asked for one. */
  readonly token: string | undefined;
}

export async function createRedisServer(db: Keyspace, options: RedisOptions): Promise<Server> {
  const execute = await createExecutor(db);

  return createServer({ noDelay: true }, (socket) => {
    const reader = new CommandReader();
    let trusted = options.token === undefined;
    let queued: string[][] | undefined;
    let spoiled = false;
    let protocol: Protocol = 2;

    function authenticate(password: string | undefined): void {
      if (options.token === undefined)
        throw new RedisError(
          "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
        );
      if (password !== options.token)
        throw new RedisError("WRONGPASS invalid username-password pair or user is disabled.");
      trusted = true;
    }

    function hello(args: readonly string[]): Reply {
      if (args[0] !== undefined && args[0] !== "2" && args[0] !== "3")
        throw new RedisError("NOPROTO unsupported protocol version");
      const at = args.findIndex((word) => word.toUpperCase() === "AUTH");
      if (at >= 0) authenticate(args[at + 2]);
      if (!trusted)
        throw new RedisError(
          "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
        );
      if (args[0] !== undefined) protocol = args[0] === "3" ? 3 : 2;
      return new Aggregate("map", [
        ...["server", "redis", "version", VERSION, "proto", protocol, "id", 1],
        ...["mode", "standalone", "role", "master", "modules", []],
      ]);
    }

    function transaction(name: string, words: readonly string[]): Reply | undefined {
      if (name === "MULTI") {
        if (queued !== undefined) throw new RedisError("ERR MULTI calls can not be nested");
        queued = [];
        spoiled = false;
        return OK;
      }
      if (name !== "EXEC" && name !== "DISCARD") {
        if (queued === undefined) return undefined;
        queued.push([...words]);
        return new Simple("QUEUED");
      }
      if (queued === undefined) throw new RedisError(`ERR ${name} without MULTI`);
      const list = queued;
      queued = undefined;
      if (name === "DISCARD") return OK;
      if (spoiled) throw new RedisError("EXECABORT Transaction discarded because of previous errors.");
      return list.map((one) => attempt(() => execute(one)));
    }

    function answer(words: string[]): Reply {
      const name = words[0]!.toUpperCase();
      db.now = Date.now();
      if (name === "AUTH") {
        authenticate(words.at(-1));
        return OK;
      }
      if (name === "HELLO") return hello(words.slice(1));
      if (name === "QUIT" || name === "RESET") return OK;
      if (!trusted) throw new RedisError("NOAUTH Authentication required.");
      return transaction(name, words) ?? execute(words);
    }

    socket.on("error", () => socket.destroy());
    // Replies leave once what they tell is written.
    socket.on("data", (data) => {
      let replies = "";
      let commands = 0;
      try {
        for (const words of reader.push(data)) {
          const reply = attempt(() => answer(words));
          if (reply instanceof RedisError) spoiled = true;
          replies += encode(reply, protocol);
          commands += 1;
          if (words[0]!.toUpperCase() === "QUIT") socket.end();
        }
      } catch (thrown) {
        if (!(thrown instanceof RedisError)) throw thrown;
        socket.end(encode(thrown), "latin1");
        return;
      }
      const changed = db.commit();
      void db.flushed().then((failure) => {
        if (socket.destroyed || replies === "") return;
        // As Redis does when its log can't be written: every changing command is refused, even one that would have failed.
        const refused = failure !== undefined && changed;
        socket.write(refused ? encode(notWritten(failure), protocol).repeat(commands) : replies, "latin1");
      });
    });
  });
}

function attempt(work: () => Reply): Reply {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof RedisError) return thrown;
    throw thrown;
  }
}

const notWritten = (cause: Error): RedisError =>
  new RedisError(`MISCONF Errors writing to the AOF file: ${cause.message}`);
