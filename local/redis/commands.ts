import { type Keyspace, typeName } from "./keyspace.ts";
import { Aggregate, OK, RedisError, type Reply, Simple } from "./resp.ts";

/** The commands upon keys that this stand-in knows, with Redis's replies and error texts. */
export type Command = (db: Keyspace, args: readonly string[]) => Reply;

const INTEGER = /^-?\d{1,19}$/;

export const integer = (text: string | undefined): number => {
  const value = Number(text);
  if (text === undefined || !INTEGER.test(text) || !Number.isSafeInteger(value))
    throw new RedisError("ERR value is not an integer or out of range");
  return value;
};

const syntax = (): RedisError => new RedisError("ERR syntax error");

const arity =
  (name: string, least: number, most: number, command: Command): Command =>
  (db, args) => {
    if (args.length < least || args.length > most) throw wrongArity(name);
    return command(db, args);
  };

export const wrongArity = (name: string): RedisError =>
  new RedisError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);

/** `SET key value [NX|XX] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL]` */
const set: Command = (db, [key, value, ...options]) => {
  let condition: string | undefined;
  let get = false;
  let expiresAt: number | undefined = Number.POSITIVE_INFINITY;
  for (let i = 0; i < options.length; i += 1) {
    const option = options[i]!.toUpperCase();
    if (option === "NX" || option === "XX") {
      if (condition !== undefined && condition !== option) throw syntax();
      condition = option;
    } else if (option === "GET") get = true;
    else if (option === "KEEPTTL") expiresAt = undefined;
    else if (option === "EX" || option === "PX" || option === "EXAT" || option === "PXAT") {
      i += 1;
      const amount = integer(options[i]);
      if (amount <= 0) throw new RedisError("ERR invalid expire time in 'set' command");
      expiresAt = (option.endsWith("AT") ? 0 : db.now) + amount * (option.startsWith("EX") ? 1000 : 1);
    } else throw syntax();
  }
  const before = get ? db.text(key!) : db.get(key!);
  const there = before !== undefined;
  const refused = (condition === "NX" && there) || (condition === "XX" && !there);
  if (!refused) db.set(key!, value!, expiresAt);
  if (get) return (before as string | undefined) ?? null;
  return refused ? null : OK;
};

const add = (db: Keyspace, key: string, amount: number): number => {
  const before = db.text(key);
  const value = (before === undefined ? 0 : integer(before)) + amount;
  if (!Number.isSafeInteger(value)) throw new RedisError("ERR increment or decrement would overflow");
  db.set(key, String(value));
  return value;
};

const expire =
  (unit: number, absolute: boolean): Command =>
  (db, [key, amount, option]) => {
    const at = (absolute ? 0 : db.now) + integer(amount) * unit;
    const before = db.expiry(key!);
    if (before === undefined) return 0;
    const wanted = option?.toUpperCase();
    const finite = Number.isFinite(before);
    const allowed =
      wanted === undefined ||
      (wanted === "NX" && !finite) ||
      (wanted === "XX" && finite) ||
      (wanted === "GT" && at > before) ||
      (wanted === "LT" && at < before);
    if (wanted !== undefined && !["NX", "XX", "GT", "LT"].includes(wanted))
      throw new RedisError(`ERR Unsupported option ${option}`);
    if (!allowed) return 0;
    db.setExpiry(key!, at);
    return 1;
  };

const remaining =
  (unit: number): Command =>
  (db, [key]) => {
    const at = db.expiry(key!);
    if (at === undefined) return -2;
    return Number.isFinite(at) ? Math.max(0, Math.round((at - db.now) / unit)) : -1;
  };

const count = (keys: readonly string[], test: (key: string) => boolean): number =>
  keys.reduce((sum, key) => sum + (test(key) ? 1 : 0), 0);

/** Takes members out of a hash or a set; the key goes with the last of them. @returns how many there were */
function takeOut(
  db: Keyspace,
  key: string,
  held: Map<string, string> | Set<string> | undefined,
  members: readonly string[],
): number {
  if (held === undefined) return 0;
  const gone = count(members, (member) => held.delete(member));
  if (held.size === 0) db.delete(key);
  else db.set(key, held);
  return gone;
}

const pairs = (args: readonly string[]): [string, string][] => {
  const found: [string, string][] = [];
  for (let i = 0; i < args.length; i += 2) found.push([args[i]!, args[i + 1]!]);
  return found;
};

/** Sets fields. @returns how many are new */
function setFields(db: Keyspace, name: string, [key, ...fields]: readonly string[]): number {
  if (fields.length === 0 || fields.length % 2 !== 0) throw wrongArity(name);
  const hash = db.hash(key!) ?? new Map<string, string>();
  const before = hash.size;
  for (const [field, value] of pairs(fields)) hash.set(field, value);
  db.set(key!, hash);
  return hash.size - before;
}

/** A glob of Redis as a regular expression. */
function globOf(pattern: string): RegExp {
  let source = "";
  for (let i = 0; i < pattern.length; i += 1) {
    const c = pattern[i]!;
    if (c === "*") source += "[\\s\\S]*";
    else if (c === "?") source += "[\\s\\S]";
    else if (c === "\\" && i + 1 < pattern.length) source += pattern[++i]!.replace(/[^\w]/g, "\\$&");
    else if (c === "[" && pattern.indexOf("]", i) > i) {
      const end = pattern.indexOf("]", i);
      source += `[${pattern.slice(i + 1, end).replace(/[\\\]]/g, "\\$&")}]`;
      i = end;
    } else source += c.replace(/[^\w]/g, "\\$&");
  }
  return new RegExp(`^${source}$`);
}

/** The whole keyspace in one step: a cursor that never continues is within SCAN's contract. */
const scan: Command = (db, [cursor, ...options]) => {
  integer(cursor);
  let pattern: RegExp | undefined;
  let type: string | undefined;
  for (let i = 0; i < options.length; i += 2) {
    const option = options[i]!.toUpperCase();
    const value = options[i + 1];
    if (value === undefined) throw syntax();
    if (option === "MATCH") pattern = globOf(value);
    else if (option === "TYPE") type = value.toLowerCase();
    else if (option === "COUNT") integer(value);
    else throw syntax();
  }
  const keys = [...db.keys()].filter(
    (key) => (pattern?.test(key) ?? true) && (type === undefined || typeName(db.get(key)!) === type),
  );
  return ["0", keys];
};

const flush: Command = (db) => {
  db.clear();
  return OK;
};

const many = Number.POSITIVE_INFINITY;

/** Name, least and most arguments, behaviour. */
const table: readonly (readonly [string, number, number, Command])[] = [
  ["GET", 1, 1, (db, [key]) => db.text(key!) ?? null],
  ["SET", 2, many, set],
  ["SETEX", 3, 3, (db, [key, seconds, value]) => set(db, [key!, value!, "EX", seconds!])],
  ["PSETEX", 3, 3, (db, [key, ms, value]) => set(db, [key!, value!, "PX", ms!])],
  ["SETNX", 2, 2, (db, [key, value]) => (set(db, [key!, value!, "NX"]) === null ? 0 : 1)],
  ["GETSET", 2, 2, (db, [key, value]) => set(db, [key!, value!, "GET"])],
  [
    "GETDEL",
    1,
    1,
    (db, [key]) => {
      const value = db.text(key!) ?? null;
      db.delete(key!);
      return value;
    },
  ],
  [
    "MGET",
    1,
    many,
    (db, keys) =>
      keys.map((key) => {
        const value = db.get(key);
        return typeof value === "string" ? value : null;
      }),
  ],
  [
    "MSET",
    2,
    many,
    (db, args) => {
      if (args.length % 2 !== 0) throw wrongArity("mset");
      for (const [key, value] of pairs(args)) db.set(key, value, Number.POSITIVE_INFINITY);
      return OK;
    },
  ],
  [
    "APPEND",
    2,
    2,
    (db, [key, more]) => {
      const value = (db.text(key!) ?? "") + more!;
      db.set(key!, value);
      return value.length;
    },
  ],
  ["STRLEN", 1, 1, (db, [key]) => db.text(key!)?.length ?? 0],
  ["INCR", 1, 1, (db, [key]) => add(db, key!, 1)],
  ["DECR", 1, 1, (db, [key]) => add(db, key!, -1)],
  ["INCRBY", 2, 2, (db, [key, amount]) => add(db, key!, integer(amount))],
  ["DECRBY", 2, 2, (db, [key, amount]) => add(db, key!, -integer(amount))],
  ["DEL", 1, many, (db, keys) => count(keys, (key) => db.delete(key))],
  ["UNLINK", 1, many, (db, keys) => count(keys, (key) => db.delete(key))],
  ["EXISTS", 1, many, (db, keys) => count(keys, (key) => db.get(key) !== undefined)],
  [
    "TYPE",
    1,
    1,
    (db, [key]) => {
      const value = db.get(key!);
      return new Simple(value === undefined ? "none" : typeName(value));
    },
  ],
  ["EXPIRE", 2, 3, expire(1000, false)],
  ["PEXPIRE", 2, 3, expire(1, false)],
  ["EXPIREAT", 2, 3, expire(1000, true)],
  ["PEXPIREAT", 2, 3, expire(1, true)],
  ["TTL", 1, 1, remaining(1000)],
  ["PTTL", 1, 1, remaining(1)],
  [
    "PERSIST",
    1,
    1,
    (db, [key]) => {
      if (!Number.isFinite(db.expiry(key!) ?? Number.POSITIVE_INFINITY)) return 0;
      db.setExpiry(key!, Number.POSITIVE_INFINITY);
      return 1;
    },
  ],
  ["HSET", 3, many, (db, args) => setFields(db, "hset", args)],
  [
    "HMSET",
    3,
    many,
    (db, args) => {
      setFields(db, "hmset", args);
      return OK;
    },
  ],
  [
    "HSETNX",
    3,
    3,
    (db, [key, field, value]) =>
      db.hash(key!)?.has(field!) === true ? 0 : setFields(db, "hsetnx", [key!, field!, value!]),
  ],
  ["HGET", 2, 2, (db, [key, field]) => db.hash(key!)?.get(field!) ?? null],
  [
    "HMGET",
    2,
    many,
    (db, [key, ...fields]) => {
      const hash = db.hash(key!);
      return fields.map((field) => hash?.get(field) ?? null);
    },
  ],
  ["HGETALL", 1, 1, (db, [key]) => new Aggregate("map", [...(db.hash(key!) ?? [])].flat())],
  ["HKEYS", 1, 1, (db, [key]) => [...(db.hash(key!)?.keys() ?? [])]],
  ["HVALS", 1, 1, (db, [key]) => [...(db.hash(key!)?.values() ?? [])]],
  ["HLEN", 1, 1, (db, [key]) => db.hash(key!)?.size ?? 0],
  ["HEXISTS", 2, 2, (db, [key, field]) => (db.hash(key!)?.has(field!) === true ? 1 : 0)],
  ["HDEL", 2, many, (db, [key, ...fields]) => takeOut(db, key!, db.hash(key!), fields)],
  [
    "HINCRBY",
    3,
    3,
    (db, [key, field, amount]) => {
      const before = db.hash(key!)?.get(field!);
      if (before !== undefined && !INTEGER.test(before)) throw new RedisError("ERR hash value is not an integer");
      const value = Number(before ?? 0) + integer(amount);
      setFields(db, "hincrby", [key!, field!, String(value)]);
      return value;
    },
  ],
  [
    "SADD",
    2,
    many,
    (db, [key, ...members]) => {
      const set = db.members(key!) ?? new Set<string>();
      const before = set.size;
      for (const member of members) set.add(member);
      db.set(key!, set);
      return set.size - before;
    },
  ],
  ["SREM", 2, many, (db, [key, ...members]) => takeOut(db, key!, db.members(key!), members)],
  ["SMEMBERS", 1, 1, (db, [key]) => new Aggregate("set", [...(db.members(key!) ?? [])])],
  ["SISMEMBER", 2, 2, (db, [key, member]) => (db.members(key!)?.has(member!) === true ? 1 : 0)],
  ["SCARD", 1, 1, (db, [key]) => db.members(key!)?.size ?? 0],
  [
    "KEYS",
    1,
    1,
    (db, [pattern]) => {
      const glob = globOf(pattern!);
      return [...db.keys()].filter((key) => glob.test(key));
    },
  ],
  ["SCAN", 1, many, scan],
  ["DBSIZE", 0, 0, (db) => [...db.keys()].length],
  ["FLUSHALL", 0, 1, flush],
  ["FLUSHDB", 0, 1, flush],
  ["TIME", 0, 0, (db) => [String(Math.floor(db.now / 1000)), String((db.now % 1000) * 1000)]],
];

export const commands: ReadonlyMap<string, Command> = new Map(
  table.map(([name, least, most, command]) => [name, arity(name, least, most, command)]),
);
