import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { Aggregate, RedisError, type Reply, Simple } from "./resp.ts";

/**
 * Scripts on a real Lua (wasmoon, Lua 5.4 where Redis has 5.1: integers print alike, `unpack` is there). Values cross by the C
 * interface, byte by byte, with Redis's conversions: numbers are cut to integers, `false` is nil, `{ok=…}` and `{err=…}` are replies.
 */
interface LuaModule {
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  addFunction(run: (state: number) => number, signature: string): number;
  readonly HEAPU8: Uint8Array;
  readonly HEAPU32: Uint32Array;
  _luaL_newstate(): number;
  _luaL_openlibs(state: number): void;
  _luaL_loadbufferx(state: number, text: number, length: number, name: number, mode: number): number;
  _luaL_ref(state: number, table: number): number;
  _lua_rawgeti(state: number, table: number, n: bigint): number;
  _lua_rawseti(state: number, table: number, n: bigint): void;
  _lua_createtable(state: number, items: number, fields: number): void;
  _lua_pushlstring(state: number, text: number, length: number): number;
  _lua_pushinteger(state: number, value: bigint): void;
  _lua_pushboolean(state: number, value: number): void;
  _lua_pushcclosure(state: number, pointer: number, values: number): void;
  _lua_setglobal(state: number, name: number): void;
  _lua_getfield(state: number, index: number, name: number): number;
  _lua_setfield(state: number, index: number, name: number): void;
  _lua_pcallk(
    state: number,
    args: number,
    results: number,
    handler: number,
    context: number,
    continuation: number,
  ): number;
  _lua_gettop(state: number): number;
  _lua_settop(state: number, top: number): void;
  _lua_type(state: number, index: number): number;
  _lua_tolstring(state: number, index: number, length: number): number;
  _lua_tonumberx(state: number, index: number, ok: number): number;
  _lua_toboolean(state: number, index: number): number;
  _lua_rawlen(state: number, index: number): number;
}

const REGISTRY = -1_001_000;
const enumerated = { nil: 0, boolean: 1, number: 3, string: 4, table: 5 } as const;

/** What Redis lets a script see, and `redis.call` that raises while `redis.pcall` returns. */
const PRELUDE = `
local raw = __call
__call = nil
redis = {
  pcall = raw,
  call = function(...)
    local reply = raw(...)
    if type(reply) == 'table' and reply.err then error(reply, 0) end
    return reply
  end,
  error_reply = function(text) return { err = text } end,
  status_reply = function(text) return { ok = text } end,
  sha1hex = nil,
  log = function() end,
  LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
}
unpack = table.unpack
os = { clock = os.clock }
io, require, package, dofile, loadfile, debug, coroutine, print = nil, nil, nil, nil, nil, nil, nil, nil
`;

export class Scripts {
  readonly #lua: LuaModule;
  readonly #state: number;
  /** Registry reference of each compiled script, by SHA-1. */
  readonly #compiled = new Map<string, number>();
  readonly #run: (words: readonly string[]) => Reply;
  readonly #names = new Map<string, number>();
  #scratch = 0;
  #scratchBytes = 0;

  private constructor(lua: LuaModule, run: (words: readonly string[]) => Reply) {
    this.#lua = lua;
    this.#run = run;
    this.#state = lua._luaL_newstate();
    lua._luaL_openlibs(this.#state);
    lua._lua_pushcclosure(
      this.#state,
      lua.addFunction((state) => this.#call(state), "ii"),
      0,
    );
    lua._lua_setglobal(this.#state, this.#name("__call"));
    this.#load(PRELUDE);
    if (lua._lua_pcallk(this.#state, 0, 0, 0, 0, 0) !== 0) throw new Error(this.#text(-1));
  }

  /** @param run executes one command of a script; errors come back as `RedisError` values */
  static async create(run: (words: readonly string[]) => Reply): Promise<Scripts> {
    const { LuaFactory } = createRequire(import.meta.url)("wasmoon") as typeof import("wasmoon");
    const { module } = await new LuaFactory().getLuaModule();
    return new Scripts(module as unknown as LuaModule, run);
  }

  has(sha: string): boolean {
    return this.#compiled.has(sha.toLowerCase());
  }

  /** Compiles. @returns its SHA-1. @throws RedisError naming the line */
  load(script: string): string {
    const sha = createHash("sha1").update(Buffer.from(script, "latin1")).digest("hex");
    if (!this.#compiled.has(sha)) {
      this.#load(script, () => `ERR Error compiling script (new function): ${this.#popText()}`);
      this.#compiled.set(sha, this.#lua._luaL_ref(this.#state, REGISTRY));
    }
    return sha;
  }

  flush(): void {
    this.#compiled.clear();
  }

  /** @throws RedisError `NOSCRIPT …`, or the script's own error */
  evaluate(sha: string, keys: readonly string[], args: readonly string[]): Reply {
    const reference = this.#compiled.get(sha.toLowerCase());
    if (reference === undefined) throw new RedisError("NOSCRIPT No matching script. Please use EVAL.");
    const lua = this.#lua;
    const state = this.#state;
    this.#pushList(keys);
    lua._lua_setglobal(state, this.#name("KEYS"));
    this.#pushList(args);
    lua._lua_setglobal(state, this.#name("ARGV"));
    lua._lua_rawgeti(state, REGISTRY, BigInt(reference));
    const failed = lua._lua_pcallk(state, 0, 1, 0, 0, 0) !== 0;
    try {
      const result = this.#toReply(-1);
      if (!failed) return result;
      if (result instanceof RedisError) throw result;
      throw new RedisError(`ERR ${String(result)} script: ${sha}`);
    } finally {
      lua._lua_settop(state, 0);
    }
  }

  #call(state: number): number {
    const lua = this.#lua;
    const words: string[] = [];
    const top = lua._lua_gettop(state);
    for (let i = 1; i <= top; i += 1) {
      const type = lua._lua_type(state, i);
      if (type === enumerated.number) words.push(numberText(lua._lua_tonumberx(state, i, 0)));
      else if (type === enumerated.string) words.push(this.#text(i, state));
      else {
        this.#push(new RedisError("ERR Lua redis lib command arguments must be strings or integers"), state);
        return 1;
      }
    }
    this.#push(this.#run(words), state);
    return 1;
  }

  #push(reply: Reply, state = this.#state): void {
    const lua = this.#lua;
    if (reply === null) lua._lua_pushboolean(state, 0);
    else if (typeof reply === "string") this.#pushText(reply, state);
    else if (typeof reply === "number") lua._lua_pushinteger(state, BigInt(reply));
    else if (reply instanceof Simple || reply instanceof RedisError) {
      lua._lua_createtable(state, 0, 1);
      this.#pushText(reply instanceof Simple ? reply.text : reply.message, state);
      lua._lua_setfield(state, -2, this.#name(reply instanceof Simple ? "ok" : "err"));
    } else {
      const items = reply instanceof Aggregate ? reply.items : reply;
      lua._lua_createtable(state, items.length, 0);
      items.forEach((one, i) => {
        this.#push(one, state);
        lua._lua_rawseti(state, -2, BigInt(i + 1));
      });
    }
  }

  #toReply(index: number): Reply {
    const lua = this.#lua;
    const state = this.#state;
    const type = lua._lua_type(state, index);
    if (type === enumerated.string) return this.#text(index);
    if (type === enumerated.number) return Math.trunc(lua._lua_tonumberx(state, index, 0));
    if (type === enumerated.boolean) return lua._lua_toboolean(state, index) === 1 ? 1 : null;
    if (type !== enumerated.table) return null;
    for (const name of ["err", "ok"] as const) {
      const found =
        lua._lua_getfield(state, index, this.#name(name)) === enumerated.string ? this.#text(-1) : undefined;
      lua._lua_settop(state, -2);
      if (found !== undefined) return name === "err" ? new RedisError(found) : new Simple(found);
    }
    const items: Reply[] = [];
    const length = lua._lua_rawlen(state, index);
    for (let i = 1; i <= length; i += 1) {
      const of = lua._lua_rawgeti(state, index, BigInt(i));
      if (of === enumerated.nil) break;
      items.push(this.#toReply(-1));
      lua._lua_settop(state, -2);
    }
    return items;
  }

  #pushList(texts: readonly string[]): void {
    const lua = this.#lua;
    lua._lua_createtable(this.#state, texts.length, 0);
    texts.forEach((text, i) => {
      this.#pushText(text, this.#state);
      lua._lua_rawseti(this.#state, -2, BigInt(i + 1));
    });
  }

  #load(script: string, failure = (): string => `ERR ${this.#popText()}`): void {
    this.#write(script);
    if (this.#lua._luaL_loadbufferx(this.#state, this.#scratch, script.length, this.#name("@user_script"), 0) !== 0)
      throw new RedisError(failure());
  }

  #pushText(text: string, state: number): void {
    this.#write(text);
    this.#lua._lua_pushlstring(state, this.#scratch, text.length);
  }

  /** Puts the bytes where Lua can read them; it copies them at once. */
  #write(text: string): void {
    if (text.length > this.#scratchBytes || this.#scratch === 0) {
      if (this.#scratch !== 0) this.#lua._free(this.#scratch);
      this.#scratchBytes = Math.max(4096, text.length * 2);
      this.#scratch = this.#lua._malloc(this.#scratchBytes);
    }
    const heap = this.#lua.HEAPU8;
    for (let i = 0; i < text.length; i += 1) heap[this.#scratch + i] = text.charCodeAt(i);
  }

  #text(index: number, state = this.#state): string {
    const length = this.#name("\0length");
    const pointer = this.#lua._lua_tolstring(state, index, length);
    if (pointer === 0) return "";
    const size = this.#lua.HEAPU32[length >>> 2]!;
    return Buffer.from(this.#lua.HEAPU8.buffer, pointer, size).toString("latin1");
  }

  #popText(): string {
    const text = this.#text(-1);
    this.#lua._lua_settop(this.#state, 0);
    return text;
  }

  /** A C string that stays; eight bytes of room at least. */
  #name(name: string): number {
    let pointer = this.#names.get(name);
    if (pointer === undefined) {
      pointer = this.#lua._malloc(Math.max(8, name.length + 1));
      for (let i = 0; i <= name.length; i += 1)
        this.#lua.HEAPU8[pointer + i] = i === name.length ? 0 : name.charCodeAt(i);
      this.#names.set(name, pointer);
    }
    return pointer;
  }
}

/** As Lua 5.1 prints it: whole numbers without a fraction. */
const numberText = (value: number): string => (Number.isInteger(value) ? value.toFixed(0) : String(value));
