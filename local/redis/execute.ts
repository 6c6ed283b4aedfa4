import { commands, integer, wrongArity } from "./commands.ts";
import type { Keyspace } from "./keyspace.ts";
import { OK, RedisError, type Reply, Simple } from "./resp.ts";
import { Scripts } from "./scripts.ts";

/** Carrying out one command: commands over keys, scripts, and the few that need no keys. */
export const VERSION = "7.2.0";

/** @throws RedisError what the caller is answered */
export type Execute = (words: readonly string[]) => Reply;

export async function createExecutor(db: Keyspace): Promise<Execute> {
  function command(words: readonly string[]): Reply {
    const name = words[0]!.toUpperCase();
    const run = commands.get(name);
    if (run === undefined)
      return new RedisError(
        `ERR unknown command '${words[0]}', with args beginning with: ${words
          .slice(1, 4)
          .map((word) => `'${word}' `)
          .join("")}`,
      );
    try {
      return run(db, words.slice(1));
    } catch (thrown) {
      if (thrown instanceof RedisError) return thrown;
      throw thrown;
    }
  }

  const scripts = await Scripts.create(command);

  function evaluate(name: string, args: readonly string[]): Reply {
    if (args.length < 2) throw wrongArity(name);
    const count = integer(args[1]);
    if (count < 0) throw new RedisError("ERR Number of keys can't be negative");
    if (count > args.length - 2) throw new RedisError("ERR Number of keys can't be greater than number of args");
    const sha = name === "EVAL" ? scripts.load(args[0]!) : args[0]!;
    return scripts.evaluate(sha, args.slice(2, 2 + count), args.slice(2 + count));
  }

  function scripting(args: readonly string[]): Reply {
    const what = args[0]?.toUpperCase();
    if (what === "LOAD" && args[1] !== undefined) return scripts.load(args[1]);
    if (what === "EXISTS") return args.slice(1).map((sha) => (scripts.has(sha) ? 1 : 0));
    if (what === "FLUSH") {
      scripts.flush();
      return OK;
    }
    throw new RedisError(`ERR unknown subcommand '${args[0]}'. Try SCRIPT HELP.`);
  }

  /** What needs no keys of its own, and scripts. */
  function execute(words: readonly string[]): Reply {
    const name = words[0]!.toUpperCase();
    const args = words.slice(1);
    switch (name) {
      case "EVAL":
      case "EVALSHA":
        return evaluate(name, args);
      case "SCRIPT":
        return scripting(args);
      case "PING":
        return args[0] ?? new Simple("PONG");
      case "ECHO":
        return args[0] ?? "";
      case "SELECT":
        if (args[0] !== "0") throw new RedisError("ERR DB index is out of range");
        return OK;
      case "INFO":
        return `# Server\r\nredis_version:${VERSION}\r\nredis_mode:standalone\r\n# Persistence\r\nloading:0\r\n# Memory\r\nused_memory:${process.memoryUsage().heapUsed}\r\nmaxmemory:0\r\n# Replication\r\nrole:master\r\n`;
      case "CLIENT":
        return args[0]?.toUpperCase() === "ID" ? 1 : OK;
      case "COMMAND":
        return [];
      default:
        return command(words);
    }
  }

  return execute;
}
