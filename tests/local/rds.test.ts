import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { type AddressInfo, connect, type Server } from "node:net";
import { join } from "node:path";
import { Signer, type SignerConfig } from "@aws-sdk/rds-signer";
import fc from "fast-check";
import pg from "pg";
import { suite } from "uvu";
import { ADMINISTRATOR, createIam } from "../../local/iam.ts";
import { type Backend, createFront } from "../../local/rds/front.ts";
import { createRds } from "../../local/rds.ts";
import type { Created, Inputs, LocalService } from "../../local/service.ts";
import { StartError } from "../../local/startError.ts";
import { connect as connectAs } from "../../runtime/database/connect.ts";
import { migrate } from "../../runtime/database/migrate.ts";
import { startCluster } from "../support/database.ts";
import { freshContexts } from "./serve.ts";

const test = suite("RDS");
const fresh = freshContexts(test.after);
const declare = (rds: LocalService, inputs: Inputs = {}): Promise<Created> =>
  rds.resources["aws:rds/instance:Instance"]!({
    type: "aws:rds/instance:Instance",
    name: "database",
    inputs: { engine: "postgres", username: "triggers", dbName: "triggers", ...inputs },
  });

let rds: LocalService;
let port: number;
test.before(async () => {
  rds = await createRds(fresh(), {});
  port = Number((await declare(rds)).state.port);
});
test.after(() => rds.close());

async function client(user = "triggers", database = "triggers"): Promise<pg.Client> {
  const made = new pg.Client({ host: "127.0.0.1", port, user, database, password: "any" });
  made.on("error", () => {});
  await made.connect();
  return made;
}

test("the declared user is no superuser and may make roles that row-level security binds", async () => {
  const db = await client();
  const { rows } = await db.query(
    "SELECT current_user AS who, session_user AS session, current_setting('is_superuser') AS super",
  );
  assert.deepEqual(rows, [{ who: "triggers", session: "triggers", super: "off" }]);
  await db.query(
    "CREATE ROLE reader NOLOGIN; GRANT reader TO CURRENT_USER; CREATE TABLE secured (owner text); INSERT INTO secured VALUES ('a'), ('b'); GRANT SELECT ON secured TO reader",
  );
  await db.query(
    "ALTER TABLE secured ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON secured USING (owner = current_setting('app.owner', true))",
  );
  await db.query("BEGIN");
  await db.query("SELECT set_config('role', 'reader', true), set_config('app.owner', 'a', true)");
  assert.deepEqual((await db.query("SELECT owner FROM secured")).rows, [{ owner: "a" }]);
  await db.query("COMMIT");
  assert.equal((await db.query("SELECT current_user AS who")).rows[0].who, "triggers");
  await db.end();
});

test("transactions of concurrent clients stay apart", async () => {
  const [a, b] = await Promise.all([client(), client()]);
  await a.query("CREATE TABLE apart (n int)");
  await a.query("BEGIN");
  await a.query("INSERT INTO apart VALUES (1)");
  let seen: unknown = "nothing yet";
  const other = b.query("SELECT count(*)::int AS n FROM apart").then(({ rows }) => {
    seen = rows[0].n;
  });
  await a.query("INSERT INTO apart VALUES (2)");
  assert.equal(seen, "nothing yet");
  await a.query("ROLLBACK");
  await other;
  assert.equal(seen, 0);
  await Promise.all([a.end(), b.end()]);
});

test("a client that dies inside a transaction is rolled back, and the next one served", async () => {
  const [a, b] = await Promise.all([client(), client()]);
  await a.query("CREATE TABLE dies (n int)");
  await a.query("BEGIN");
  await a.query("INSERT INTO dies VALUES (1)");
  (a as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  assert.equal((await b.query("SELECT count(*)::int AS n FROM dies")).rows[0].n, 0);
  await b.end();
});

test("a failed statement inside a transaction holds it until it ends", async () => {
  const [a, b] = await Promise.all([client(), client()]);
  await a.query("BEGIN");
  await assert.rejects(a.query("SELECT 1 / 0"), { code: "22012" });
  const other = b.query("SELECT 1 AS one");
  await assert.rejects(a.query("SELECT 1"), { code: "25P02" });
  await a.query("ROLLBACK");
  assert.deepEqual((await other).rows, [{ one: 1 }]);
  await Promise.all([a.end(), b.end()]);
});

test("queries with parameters of many clients at once get their own answers", async () => {
  const clients = await Promise.all(Array.from({ length: 8 }, () => client()));
  await Promise.all(
    clients.map(async (one, k) => {
      for (let i = 0; i < 20; i += 1) {
        const { rows } = await one.query(
          i % 2 === 0 ? "SELECT $1::int AS a, $2::text AS b" : "SELECT $2::text AS b, $1::int AS a, 1 AS c",
          [k, `x${i}`],
        );
        assert.deepEqual([rows[0].a, rows[0].b], [k, `x${i}`]);
      }
    }),
  );
  await Promise.all(clients.map((one) => one.end()));
});

test("an unknown user or database is refused as PostgreSQL does", async () => {
  await assert.rejects(client("nobody"), { code: "28000", message: 'role "nobody" does not exist' });
  await assert.rejects(client("triggers", "nothing"), { code: "3D000", message: 'database "nothing" does not exist' });
});

test("our own migrations leave the master user its password", async () => {
  const db = connectAs({
    DATABASE_HOST: "127.0.0.1",
    DATABASE_PORT: String(port),
    DATABASE_NAME: "triggers",
    DATABASE_USER: "triggers",
  });
  await migrate(db);
  await db.destroy();
  const after = await client();
  const { rows } = await after.query(
    "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'triggers_%' ORDER BY 1",
  );
  assert.deepEqual(rows, [
    { rolname: "triggers_app", rolcanlogin: false },
    { rolname: "triggers_service", rolcanlogin: false },
  ]);
  await after.end();
});

const PAM = { code: "28000", message: 'PAM authentication failed for user "triggers"' };

test("a master user in rds_iam through a role can no longer sign in, and open connections stay", async () => {
  const inside = await client();
  await inside.query("CREATE ROLE signing LOGIN; GRANT rds_iam TO signing; GRANT signing TO CURRENT_USER");
  await assert.rejects(client(), PAM);
  assert.deepEqual((await inside.query("SELECT 1 AS one")).rows, [{ one: 1 }]);
  await inside.query("REVOKE rds_iam FROM signing");
  await (await client()).end();
  await inside.query("DROP ROLE signing");
  await inside.end();
});

test("a grant shuts users out once it is committed, not before and not after a rollback", async () => {
  const inside = await client();
  await inside.query("BEGIN");
  await inside.query("GRANT rds_iam TO CURRENT_USER");
  await (await client()).end();
  await inside.query("ROLLBACK");
  await (await client()).end();
  await inside.end();
});

test("a user that reaches rds_iam over any roles is refused, and no other", async () => {
  const inside = await client();
  const names = ["r0", "r1", "r2", "r3"];
  // A role is granted only to those after it, so that no circle arises. Who makes a role is its member: so is the master user.
  const grants = fc.uniqueArray(
    fc.tuple(fc.nat(4), fc.nat(3)).filter(([from, to]) => from <= to),
    {
      selector: String,
      maxLength: 6,
    },
  );
  await fc.assert(
    fc.asyncProperty(grants, async (edges) => {
      await inside.query(names.map((name) => `CREATE ROLE ${name}`).join(";"));
      for (const [from, to] of edges)
        await inside.query(`GRANT ${from === 0 ? "rds_iam" : names[from - 1]} TO ${names[to]}`);
      const shutOut = edges.some(([from]) => from === 0);
      const attempt = await client().then(
        (one) => one.end().then(() => "in"),
        (error: Error) => error.message,
      );
      await inside.query(names.map((name) => `DROP ROLE ${name}`).join(";"));
      assert.equal(attempt, shutOut ? PAM.message : "in");
    }),
    { numRuns: 25 },
  );
  await inside.end();
});

test("a proxy's target is not available at once, and is at the next start", async () => {
  const context = fresh();
  const register = async (of: LocalService) =>
    of.resources["aws:rds/proxyTarget:ProxyTarget"]!({
      type: "aws:rds/proxyTarget:ProxyTarget",
      name: "target",
      inputs: { dbProxyName: "proxy", targetGroupName: "default", dbInstanceIdentifier: "database" },
    });
  const answers: string[] = [];
  for (let start = 0; start < 2; start += 1) {
    const made = await createRds(context, {});
    const { state } = await declare(made);
    await register(made);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const db = new pg.Client({ host: "127.0.0.1", port: Number(state.port), user: "triggers", database: "triggers" });
      db.on("error", () => {});
      answers.push(
        await db.connect().then(
          () => "in",
          (error: Error & { code: string }) => `${error.code} ${error.message}`,
        ),
      );
      await db.end();
    }
    await made.close();
  }
  assert.deepEqual(answers, ["08000 Timed-out waiting to acquire database connection", "in", "in", "in"]);
});

test("a user signs in with a token that a role signed for this user and that may connect", async () => {
  const context = fresh();
  const iam = createIam(context);
  const may = (...resources: string[]) => ({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "rds-db:connect", Resource: resources }],
  });
  for (const [name, policy] of [
    ["reader", may("arn:aws:rds-db:us-east-1:000000000000:dbuser:prx-proxy/triggers")],
    ["stranger", may("arn:aws:rds-db:us-east-1:000000000000:dbuser:prx-proxy/other")],
  ] as const) {
    const inputs = {
      assumeRolePolicy: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
      },
      inlinePolicies: [{ name: "own", policy }],
    };
    await iam.resources["aws:iam/role:Role"]!({ type: "aws:iam/role:Role", name, inputs });
  }
  const guarded = await createRds(context, { iam });
  const at = Number((await declare(guarded)).state.port);
  await guarded.resources["aws:rds/proxy:Proxy"]!({
    type: "aws:rds/proxy:Proxy",
    name: "proxy",
    inputs: { engineFamily: "POSTGRESQL" },
  });
  const token = (role: string, more: Partial<SignerConfig> = {}) =>
    new Signer({
      hostname: "127.0.0.1",
      port: at,
      username: "triggers",
      region: "us-east-1",
      credentials: iam.credentialsOf(role),
      ...more,
    }).getAuthToken();
  const answer = async (password: string): Promise<string> => {
    const db = new pg.Client({ host: "127.0.0.1", port: at, user: "triggers", database: "triggers", password });
    db.on("error", () => {});
    try {
      await db.connect();
      return `in as ${(await db.query("SELECT current_user AS who")).rows[0].who}`;
    } catch (thrown) {
      return String((thrown as { code?: string }).code);
    } finally {
      await db.end();
    }
  };
  const right = await token("reader");
  const refused: [says: string, password: string][] = [
    ["a password that everybody knows", "local"],
    ["another user's token", await token("reader", { username: "other" })],
    ["another address's token", await token("reader", { port: at + 1 })],
    ["a role that may not connect", await token("stranger")],
    [
      "a wrong secret",
      await token("reader", { credentials: { ...iam.credentialsOf("reader"), secretAccessKey: "local" } }),
    ],
    ["another signature", right.replace(/.$/, (last) => (last === "0" ? "1" : "0"))],
    ["another user by hand", right.replace("DBUser=triggers", "DBUser=other")],
    ["a longer time", right.replace("Expires=900", "Expires=9000")],
  ];
  for (const [says, password] of refused) assert.equal(await answer(password), "28P01", says);
  assert.equal(await answer(right), "in as triggers");
  assert.equal(await answer(await token(ADMINISTRATOR)), "in as triggers");
  await guarded.close();
});

test("the proxy has the instance's address", async () => {
  const proxy = await rds.resources["aws:rds/proxy:Proxy"]!({
    type: "aws:rds/proxy:Proxy",
    name: "proxy",
    inputs: { engineFamily: "POSTGRESQL" },
  });
  assert.deepEqual(
    [proxy.state.endpoint, proxy.state.arn],
    ["127.0.0.1", "arn:aws:rds:us-east-1:000000000000:db-proxy:prx-proxy"],
  );
});

test("a machine's first start makes a cluster, later ones copy it, and one declared for someone else is made anew", async () => {
  const templates = join(fresh().state, "templates");
  for (const username of ["one", "one", "other"]) {
    const made = await createRds(fresh(), { templates });
    const { state } = await declare(made, { username });
    const db = new pg.Client({ host: "127.0.0.1", port: Number(state.port), user: username, database: "triggers" });
    await db.connect();
    assert.deepEqual((await db.query("SELECT current_user AS who")).rows, [{ who: username }]);
    await db.end();
    await made.close();
  }
});

test("after a scrub no bytes of deleted rows are left in the database, and other rows stay", async () => {
  const context = fresh();
  const made = await createRds(context, {});
  const { state } = await declare(made);
  const db = new pg.Client({ host: "127.0.0.1", port: Number(state.port), user: "triggers", database: "triggers" });
  await db.connect();
  await db.query("CREATE TABLE kept (t text)");
  await db.query("INSERT INTO kept VALUES ('keep-me'), ($1)", [`forget-me${"x".repeat(50)}`]);
  await db.query("DELETE FROM kept WHERE t LIKE 'forget%'");
  await made.scrub();
  const { rows } = await db.query("SELECT t, current_user AS who FROM kept");
  assert.deepEqual(rows, [{ t: "keep-me", who: "triggers" }]);
  await db.end();
  await made.close();
  const folder = join(context.state, "postgres");
  const holding = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (file) => file.isFile() && readFileSync(join(file.parentPath, file.name)).includes("forget-me"),
  );
  assert.deepEqual(
    holding.map(({ name }) => name),
    [],
  );
});

test("a file that was cut short is named: in the refusal where PostgreSQL does not start, else in a line", async () => {
  const context = fresh();
  const folder = join(context.state, "postgres");
  const made = await createRds(context, {});
  const { state } = await declare(made);
  const db = new pg.Client({ host: "127.0.0.1", port: Number(state.port), user: "triggers", database: "triggers" });
  await db.connect();
  await db.query("CREATE TABLE kept AS SELECT n FROM generate_series(1, 1000) n");
  const pathOf = async (relation: string): Promise<string> =>
    (await db.query("SELECT pg_relation_filepath($1::regclass) AS path", [relation])).rows[0].path;
  const [table, index] = [await pathOf("kept"), await pathOf("pg_class_oid_index")];
  await db.end();
  await made.close();
  const cut = (path: string) => truncateSync(join(folder, path), statSync(join(folder, path)).size - 100);

  cut(table);
  const lines: string[] = [];
  const again = await createRds({ ...context, log: (line) => lines.push(line) }, {});
  await declare(again);
  await again.close();
  assert.match(lines.join("\n"), new RegExp(`do not end at the end of a block.*${table} \\(`));

  cut(index);
  const broken = await createRds(context, {});
  const refusal = await declare(broken).catch((thrown: Error) => thrown);
  await broken.close();
  assert.ok(refusal instanceof StartError, String(refusal));
  assert.match(refusal.message, new RegExp(`${folder}, which holds the database, is damaged.*${index} \\(`, "s"));
  assert.match(refusal.message, /Put back a copy/);
});

test("a server that can't be used stops the start, with what DATABASE_URL has to be and without its password", async () => {
  const nobody = await createRds(fresh(), { databaseUrl: "postgres://me:s3cret@127.0.0.1:1/mine" });
  const refusal = await declare(nobody).catch((thrown: Error) => thrown);
  assert.ok(refusal instanceof StartError, String(refusal));
  assert.equal(
    refusal.message,
    "The PostgreSQL server that DATABASE_URL names can't be used: connect ECONNREFUSED 127.0.0.1:1. Set it to postgres://user:password@host:port/database of a server that runs, or leave it out for the embedded one.",
  );
  await nobody.close();
});

for (const [says, password] of [
  ["with a password", "s:cret"],
  ["without one", undefined],
] as const)
  test(`a server named ${says} is reached through a door of our own: the program's user and a token of IAM stand for the URL's`, async () => {
    // PGlite behind a front that may ask for a password: the server elsewhere.
    const cluster = await startCluster();
    const server = createFront(
      {
        exec: async (messages) => cluster.execProtocolRaw(messages),
        rollback: async () => void (await cluster.exec("rollback")),
      },
      {
        ...{ user: "me", database: "mine", version: "17.5" },
        maySignIn: password === undefined ? undefined : async (given) => given.password === password,
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const userinfo = password === undefined ? "me" : `me:${encodeURIComponent(password)}`;
    const databaseUrl = `postgres://${userinfo}@127.0.0.1:${port}/mine`;
    const iam = { callerOf: () => undefined, refusal: () => undefined } as never;
    const [open, guarded] = [await createRds(fresh(), { databaseUrl }), await createRds(fresh(), { databaseUrl, iam })];
    const [{ state }, { state: behind }] = [await declare(open), await declare(guarded)];
    assert.notEqual(state.port, port);
    assert.deepEqual([state.username, state.dbName], ["triggers", "triggers"]);
    const clientOf = (to: typeof state, given: string) =>
      new pg.Client({
        ...{ host: "127.0.0.1", port: Number(to.port), password: given },
        ...{ user: String(to.username), database: String(to.dbName) },
      });
    const both = [clientOf(state, "any"), clientOf(state, "")];
    await Promise.all(both.map((client) => client.connect()));
    const [one, two] = both as [pg.Client, pg.Client];
    assert.deepEqual((await one.query("select 1 + $1::int as n", [1])).rows, [{ n: 2 }]);
    await one.query("create table t (n int)");
    await one.query("insert into t values (7)");
    assert.deepEqual((await two.query("select n from t")).rows, [{ n: 7 }]);
    await Promise.all(both.map((client) => client.end()));
    await assert.rejects(clientOf(behind, "s:cret").connect(), /The IAM authentication failed for the role triggers/);
    await Promise.all([open.close(), guarded.close()]);
    await new Promise<void>((done) => server.close(() => done()));
    await cluster.close();
  });

test("other engines, arguments that change behaviour, and a second instance are refused by name", async () => {
  await assert.rejects(declare(rds), {
    message: 'aws:rds/instance:Instance "database": the local platform runs one database, and that is "database"',
  });
  const other = await createRds(fresh(), { databaseUrl: "postgres://me@db.local/mine" });
  await assert.rejects(declare(other, { engine: "mysql" }), {
    message: 'aws:rds/instance:Instance "database": the local platform runs the engine "postgres", not "mysql"',
  });
  await assert.rejects(declare(other, { replicateSourceDb: "x" }), {
    message:
      'aws:rds/instance:Instance "database": the local platform does not support the argument "replicateSourceDb" ("x")',
  });
  await other.close();
});

/** A server that answers each unit with its text and the status it is told. */
async function scripted(status: (unit: string) => string): Promise<{
  server: Server;
  units: string[];
  open(): Promise<{ send(text: string): void; socket: ReturnType<typeof connect> }>;
}> {
  const units: string[] = [];
  const backend: Backend = {
    async exec(messages) {
      const unit = Buffer.from(messages).toString("latin1");
      units.push(unit.replace(/[^ -~]+/g, ""));
      await new Promise((resolve) => setImmediate(resolve));
      return Buffer.concat([Buffer.from([0x5a, 0, 0, 0, 5]), Buffer.from(status(unit))]);
    },
    async rollback() {
      units.push("rollback");
    },
  };
  const server = createFront(backend, { user: "u", database: "d", version: "17" });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    units,
    async open() {
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      const startup = Buffer.from("\0\0\0\0\0\x03\0\0user\0u\0database\0d\0\0", "latin1");
      startup.writeUInt32BE(startup.length);
      socket.write(startup);
      await new Promise((resolve) => socket.once("data", resolve));
      return {
        socket,
        send(text) {
          const query = Buffer.from(`Q\0\0\0\0${text}\0`, "latin1");
          query.writeUInt32BE(query.length - 1, 1);
          socket.write(query);
        },
      };
    },
  };
}

test("messages of other clients never come between two messages of a transaction, in any order of arrival", async () => {
  const { server, units, open } = await scripted((unit) => (/commit/.test(unit) ? "I" : /a/.test(unit) ? "T" : "I"));
  const [a, b] = await Promise.all([open(), open()]);
  a.send("begin a");
  b.send("b1");
  b.send("b2");
  a.send("work a");
  const done = new Promise<void>((resolve) => {
    let bytes = 0;
    b.socket.on("data", (data) => {
      bytes += data.length;
      if (bytes === 12) resolve();
    });
  });
  a.send("commit a");
  await done;
  assert.deepEqual(units, ["Qbegin a", "Qwork a", "Qcommit a", "Qb1", "Qb2"]);
  a.socket.destroy();
  b.socket.destroy();
  server.close();
});

test.run();
