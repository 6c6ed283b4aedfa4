import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { suite } from "uvu";
import { WINDOW_SCRIPT } from "../../runtime/redis/window.ts";

/** What any Redis has to do for limits and idempotency keys: the embedded one and a real one are held to it. */
export interface RedisUnderTest {
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

export function redisConformance(name: string, start: () => Promise<RedisUnderTest>): void {
  const test = suite(`Redis: ${name}`);
  let running: RedisUnderTest;
  let redis: Redis;
  const connect = (password: string) => {
    const client = new Redis({
      host: "127.0.0.1",
      port: running.port,
      password,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    client.on("error", () => {});
    return client;
  };
  test.before(async () => {
    running = await start();
    redis = connect(running.token);
  });
  test.after(async () => {
    redis.disconnect();
    await running.close();
  });
  test.before.each(async () => {
    await redis.flushall();
  });
  const call = (...words: (string | number)[]) => redis.call(words[0] as string, ...words.slice(1)) as Promise<unknown>;
  const refusal = (...words: (string | number)[]) =>
    call(...words).then(
      () => undefined,
      (reason: Error) => reason.message,
    );

  const rows: readonly (readonly [
    title: string,
    commands: readonly (readonly (string | number)[])[],
    reply: unknown,
  ])[] = [
    [
      "SET and GET keep any bytes of text",
      [
        ["SET", "k", "é 漢 \r\n\u0000 $5"],
        ["GET", "k"],
      ],
      "é 漢 \r\n\u0000 $5",
    ],
    ["GET of a missing key is nil", [["GET", "k"]], null],
    ["SET NX sets a missing key", [["SET", "k", "1", "NX"]], "OK"],
    [
      "SET NX leaves an existing key",
      [
        ["SET", "k", "1"],
        ["SET", "k", "2", "NX"],
      ],
      null,
    ],
    ["SET XX leaves a missing key", [["SET", "k", "1", "XX"]], null],
    [
      "SET GET answers the value before",
      [
        ["SET", "k", "1"],
        ["SET", "k", "2", "GET"],
      ],
      "1",
    ],
    [
      "SET NX GET answers the value and leaves it",
      [
        ["SET", "k", "1"],
        ["SET", "k", "2", "NX", "GET"],
        ["GET", "k"],
      ],
      "1",
    ],
    [
      "SET drops an expiry",
      [
        ["SET", "k", "1", "EX", 100],
        ["SET", "k", "2"],
        ["TTL", "k"],
      ],
      -1,
    ],
    [
      "SET KEEPTTL keeps an expiry",
      [
        ["SET", "k", "1", "EX", 100],
        ["SET", "k", "2", "KEEPTTL"],
        ["TTL", "k"],
      ],
      100,
    ],
    ["TTL of a missing key is -2", [["TTL", "k"]], -2],
    ["EXPIRE of a missing key is 0", [["EXPIRE", "k", 10]], 0],
    [
      "EXPIRE NX leaves an expiry",
      [
        ["SET", "k", "1", "EX", 100],
        ["EXPIRE", "k", 5, "NX"],
      ],
      0,
    ],
    [
      "EXPIRE GT takes a later time",
      [
        ["SET", "k", "1", "EX", 100],
        ["EXPIRE", "k", 200, "GT"],
        ["TTL", "k"],
      ],
      200,
    ],
    [
      "EXPIRE in the past deletes",
      [
        ["SET", "k", "1"],
        ["EXPIRE", "k", -1],
        ["EXISTS", "k"],
      ],
      0,
    ],
    [
      "PERSIST drops an expiry",
      [
        ["SET", "k", "1", "EX", 100],
        ["PERSIST", "k"],
        ["TTL", "k"],
      ],
      -1,
    ],
    [
      "INCRBY counts from nothing",
      [
        ["INCRBY", "k", 7],
        ["INCR", "k"],
        ["DECRBY", "k", 3],
        ["GET", "k"],
      ],
      "5",
    ],
    [
      "INCRBY keeps an expiry",
      [
        ["SET", "k", "1", "EX", 100],
        ["INCR", "k"],
        ["TTL", "k"],
      ],
      100,
    ],
    [
      "DEL and EXISTS count keys",
      [
        ["MSET", "a", "1", "b", "2"],
        ["EXISTS", "a", "b", "c"],
      ],
      2,
    ],
    [
      "DEL answers how many went",
      [
        ["MSET", "a", "1", "b", "2"],
        ["DEL", "a", "b", "c"],
      ],
      2,
    ],
    [
      "MGET answers nil for a missing key or a value that is no text",
      [
        ["SET", "a", "1"],
        ["HSET", "h", "f", "v"],
        ["MGET", "a", "h", "x"],
      ],
      ["1", null, null],
    ],
    [
      "GETDEL takes the value",
      [
        ["SET", "k", "1"],
        ["GETDEL", "k"],
      ],
      "1",
    ],
    [
      "HSET counts new fields",
      [
        ["HSET", "h", "a", "1"],
        ["HSET", "h", "a", "2", "b", "3"],
      ],
      1,
    ],
    [
      "HMGET answers in order",
      [
        ["HSET", "h", "a", "1", "b", "2"],
        ["HMGET", "h", "b", "x", "a"],
      ],
      ["2", null, "1"],
    ],
    ["HGETALL of a missing key is empty", [["HGETALL", "h"]], []],
    [
      "HDEL of the last field deletes the key",
      [
        ["HSET", "h", "a", "1"],
        ["HDEL", "h", "a", "b"],
        ["EXISTS", "h"],
      ],
      0,
    ],
    [
      "HINCRBY counts",
      [
        ["HINCRBY", "h", "a", 5],
        ["HINCRBY", "h", "a", -2],
      ],
      3,
    ],
    [
      "HSETNX leaves an existing field",
      [
        ["HSET", "h", "a", "1"],
        ["HSETNX", "h", "a", "2"],
      ],
      0,
    ],
    [
      "SADD and SCARD",
      [
        ["SADD", "s", "a", "b", "a"],
        ["SCARD", "s"],
      ],
      2,
    ],
    [
      "TYPE names types",
      [
        ["HSET", "h", "a", "1"],
        ["TYPE", "h"],
      ],
      "hash",
    ],
    [
      "a script gets keys and arguments as text",
      [["EVAL", "return {KEYS[1], ARGV[1], type(ARGV[1])}", 1, "k", 5]],
      ["k", "5", "string"],
    ],
    ["a script's number is cut to an integer", [["EVAL", "return 3.99", 0]], 3],
    ["a script's false is nil and its true is 1", [["EVAL", "return {false, true}", 0]], [null, 1]],
    ["a script's list ends at its first nil", [["EVAL", "return {1, nil, 3}", 0]], [1]],
    ["a missing key is false in a script", [["EVAL", "return tostring(redis.call('GET', KEYS[1]))", 1, "k"]], "false"],
    ["a status is a table with ok in a script", [["EVAL", "return redis.call('SET', KEYS[1], 'v').ok", 1, "k"]], "OK"],
    [
      "an integer reply prints without a fraction",
      [["EVAL", "return 'n' .. redis.call('INCRBY', KEYS[1], 4)", 1, "k"]],
      "n4",
    ],
    [
      "a number as an argument of a call is written without a fraction",
      [["EVAL", "redis.call('SET', KEYS[1], 10 / 2) return redis.call('GET', KEYS[1])", 1, "k"]],
      "5",
    ],
    [
      "pcall hands an error back",
      [
        ["SET", "s", "x"],
        ["EVAL", "return redis.pcall('HGET', KEYS[1], 'f').err ~= nil and 'caught' or 'missed'", 1, "s"],
      ],
      "caught",
    ],
    [
      "unpack spreads arguments",
      [
        ["EVAL", "return redis.call('MSET', unpack(ARGV))", 0, "a", "1", "b", "2"],
        ["GET", "b"],
      ],
      "2",
    ],
    [
      "SCAN with MATCH finds by glob",
      [
        ["MSET", "limit:{a}:1", "1", "other", "2"],
        ["SCAN", 0, "MATCH", "limit:{a}:*", "COUNT", 1000],
      ],
      ["0", ["limit:{a}:1"]],
    ],
  ];
  for (const [title, commands, reply] of rows) {
    test(title, async () => {
      let last: unknown;
      for (const words of commands) last = await call(...words);
      assert.deepEqual(last, reply);
    });
  }

  const errors: readonly (readonly [words: readonly (string | number)[], message: RegExp])[] = [
    [["GET"], /^ERR wrong number of arguments for 'get' command$/],
    [["SET", "k", "v", "EX", "x"], /^ERR value is not an integer or out of range$/],
    [["SET", "k", "v", "EX", 0], /^ERR invalid expire time in 'set' command$/],
    [["SET", "k", "v", "NOPE"], /^ERR syntax error$/],
    [["INCRBY", "text", 1], /^ERR value is not an integer or out of range$/],
    [["HGET", "text", "f"], /^WRONGTYPE Operation against a key holding the wrong kind of value$/],
    [["NOPE", "a"], /^ERR unknown command 'NOPE', with args beginning with: 'a'/],
    [["EVALSHA", "0".repeat(40), 0], /^NOSCRIPT No matching script/],
    [
      ["EVAL", "return redis.call('HGET', 'text', 'f')", 0],
      /WRONGTYPE Operation against a key holding the wrong kind of value/,
    ],
    [["EVAL", "return nope.x", 0], /^ERR .*user_script:1: .*nope/],
    [["EVAL", "this is no lua", 0], /^ERR Error compiling script/],
    [["EVAL", "return 1", 2, "k"], /^ERR Number of keys can't be greater than number of args$/],
  ];
  for (const [words, message] of errors) {
    test(`${words.join(" ").slice(0, 60)} is refused as Redis does`, async () => {
      await call("SET", "text", "abc");
      assert.match((await refusal(...words)) ?? "", message);
    });
  }

  test("a key past its time is gone", async () => {
    await call("SET", "k", "1", "PX", 1);
    while ((await call("GET", "k")) !== null) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(await call("EXISTS", "k"), 0);
  });

  test("scripts are known by their SHA-1 once loaded", async () => {
    const sha = (await call("SCRIPT", "LOAD", "return ARGV[1]")) as string;
    assert.deepEqual(await call("SCRIPT", "EXISTS", sha, "0".repeat(40)), [1, 0]);
    assert.equal(await call("EVALSHA", sha, 0, "x"), "x");
  });

  test("a script's changes before its error stay, as they do in Redis", async () => {
    assert.match((await refusal("EVAL", "redis.call('SET', 'k', '1') error('stop')", 0)) ?? "", /stop/);
    assert.equal(await call("GET", "k"), "1");
  });

  test("a transaction answers all its replies, errors in their places", async () => {
    await call("SET", "text", "abc");
    const replies = await redis.multi().incr("n").incr("text").get("n").exec();
    assert.deepEqual(
      replies?.map(([error, reply]) => error?.message ?? reply),
      [1, "ERR value is not an integer or out of range", "1"],
    );
  });

  test("a wrong token, or none, is refused", async () => {
    for (const password of ["wrong", ""]) {
      const client = connect(password);
      const message = await client.get("k").then(
        () => undefined,
        (reason: Error) => reason.message,
      );
      client.disconnect();
      assert.match(message ?? "", /^(WRONGPASS|NOAUTH)/);
    }
  });

  test("replies of many commands at once keep their order", async () => {
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? redis.set("k", i) : redis.get("k"))),
    );
    assert.deepEqual(
      replies,
      Array.from({ length: 500 }, (_, i) => (i % 2 === 0 ? "OK" : String(i - 1))),
    );
  });

  test("a value of a megabyte passes in and out, also through a script", async () => {
    const big = "0123456789".repeat(100_000);
    await redis.set("k", big);
    assert.equal(await redis.get("k"), big);
    assert.equal(await call("EVAL", "return redis.call('GET', KEYS[1])", 1, "k"), big);
  });

  test("limits are counted: passed and refused requests, and how long the count is kept", async () => {
    const now = 1_800_000_000_000;
    const ask = (cost: number, at: number, ...limits: number[]) =>
      call("EVAL", WINDOW_SCRIPT, limits.length, ...["w:a", "w:b"].slice(0, limits.length), cost, at, ...limits);
    assert.deepEqual(await ask(4, now, 10), [1, ""]);
    assert.deepEqual(await ask(6, now + 100, 10), [1, `${now} 4000 4 18000000000 4`]);
    const full = `${now + 100} 9000 10 18000000000 4 6`;
    assert.deepEqual(await ask(1, now + 799, 10), [0, full]);
    assert.deepEqual(await ask(0, now + 799, 10), [1, full]);
    assert.deepEqual(await ask(4, now + 800, 10), [1, full]);
    // Late by 300 ms: counted where it belongs, and refused for what came after.
    assert.deepEqual(await ask(1, now + 500, 10), [0, `${now + 800} 6000 14 18000000000 4 6${" 0".repeat(6)} 4`]);
    assert.deepEqual(await ask(2, now + 5_000, 100, 1), [
      0,
      `${now + 800} 6000 14 18000000000 4 6${" 0".repeat(6)} 4`,
      "",
    ]);
    assert.deepEqual(await ask(1, now + 5_000, 100, 1), [
      1,
      `${now + 800} 6000 14 18000000000 4 6${" 0".repeat(6)} 4`,
      "",
    ]);
    assert.equal(await call("GET", "w:b"), `${now + 5_000} 1000 1 18000000050 1`);
    const ttl = (await call("PTTL", "w:b")) as number;
    assert.ok(ttl > 3_000 && ttl <= 6_000);
  });

  test.run();
}
