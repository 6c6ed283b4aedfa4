import assert from "node:assert/strict";
import { sql } from "kysely";
import { suite } from "uvu";
import { migrate } from "../../../runtime/database/migrate.ts";
import { APP_ROLE, asCustomer, asService } from "../../../runtime/database/roles.ts";
import type { Database } from "../../../runtime/database/schema.ts";
import { insertSubscriptions } from "../../../runtime/database/subscriptions.ts";
import { nextVersion } from "../../../runtime/database/versions.ts";
import { startDatabase, type TestDatabase } from "../../support/database.ts";

const test = suite("row-level security");
const [MINE, YOURS] = ["cus_01ARZ3NDEKTSV4RRFFQ69G5FAV", "cus_01BX5ZZKBKACTAV9WEVGEMMVS0"];
let database: TestDatabase;
test.before(async () => {
  database = await startDatabase();
  for (const [at, customer_id] of [MINE, YOURS].entries()) {
    await asCustomer(database.db, customer_id!, async (tx) => {
      const time = new Date(0).toISOString();
      await tx
        .insertInto("customers")
        .values({
          customer_id: customer_id!,
          name: "x",
          limit_per_second: 1,
          status: "active",
          created_at: time,
          updated_at: time,
        })
        .execute();
      const snapshot = await nextVersion(tx, customer_id!, customer_id!, "subscriptions");
      const definition = {
        workflow_id: null,
        webhook_url: `https://example.com/${at}`,
        event_selector: "a",
        transform: null,
        enrich: null,
        format: "event",
        max_batch: 100,
        headers: {},
      } as const;
      const added = [{ subscription_id: `sub_${at}`, definition, secret: "whsec_x" }];
      await insertSubscriptions(tx, { customer_id: customer_id!, environment: "live" }, added, snapshot, 0);
    });
  }
});
test.after(() => database.close());

const TABLES = ["customers", "tenant_versions", "subscriptions", "subscription_versions", "signing_secrets"] as const;

test("a query that forgets the customer still sees only the customer of its transaction", () =>
  asCustomer(database.db, MINE!, async (tx) => {
    for (const table of TABLES) {
      const rows = await tx.selectFrom(table).select("customer_id").execute();
      assert.deepEqual(rows, [{ customer_id: MINE }], table);
    }
  }));

test("another customer's rows can be neither changed nor deleted", () =>
  asCustomer(database.db, MINE!, async (tx) => {
    const changed = await tx
      .updateTable("customers")
      .set({ name: "stolen" })
      .where("customer_id", "=", YOURS!)
      .executeTakeFirst();
    const deleted = await tx.deleteFrom("signing_secrets").where("customer_id", "=", YOURS!).executeTakeFirst();
    assert.deepEqual([changed.numUpdatedRows, deleted.numDeletedRows], [0n, 0n]);
  }));

test("a row can't be written for another customer", () =>
  assert.rejects(
    asCustomer(database.db, MINE!, (tx) => nextVersion(tx, "elsewhere", YOURS!, "subscriptions")),
    /new row violates row-level security policy/,
  ));

test("every table is behind row-level security", async () => {
  const { rows } = await sql<{ relname: string; relrowsecurity: boolean }>`
    select relname, relrowsecurity from pg_class
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'kysely_%'`.execute(database.db);
  assert.deepEqual(
    rows.filter(({ relrowsecurity }) => !relrowsecurity),
    [],
  );
  assert.ok(rows.length >= 11);
});

test("the role of requests owns nothing and can't leave row-level security", async () => {
  const { rows } = await sql`
    select rolsuper, rolbypassrls, rolcreaterole, pg_has_role(rolname, 'triggers_service', 'member') as is_service
    from pg_roles where rolname = ${APP_ROLE}`.execute(database.db);
  assert.deepEqual(rows, [{ rolsuper: false, rolbypassrls: false, rolcreaterole: false, is_service: false }]);
});

test("the customer of a transaction ends with it", async () => {
  await asCustomer(database.db, MINE!, async () => undefined);
  const { rows } = await sql<{ customer: string; role: string }>`
    select current_setting('app.customer_id', true) as customer, current_user as role`.execute(database.db);
  assert.equal(rows[0]!.customer ?? "", "");
  assert.notEqual(rows[0]!.role, APP_ROLE);
});

test("without a customer the role of requests sees nothing", async () => {
  const seen = await database.db.transaction().execute(async (tx) => {
    await sql`select set_config('role', ${APP_ROLE}, true)`.execute(tx);
    return tx.selectFrom("customers").selectAll().execute();
  });
  assert.deepEqual(seen, []);
});

test("the platform's own role sees every customer", () =>
  asService(database.db, async (tx) => {
    for (const table of TABLES)
      assert.equal((await tx.selectFrom(table).select("customer_id").execute()).length, 2, table);
  }));

test("neither role can change the audit log", async () => {
  for (const as of [
    (work: (tx: Parameters<Parameters<typeof asService>[1]>[0]) => Promise<unknown>) => asService(database.db, work),
    (work: (tx: Parameters<Parameters<typeof asService>[1]>[0]) => Promise<unknown>) =>
      asCustomer(database.db, MINE!, work),
  ]) {
    await assert.rejects(
      as((tx) => sql`update audit_log set outcome = 'ok'`.execute(tx)),
      /permission denied for table audit_log/,
    );
  }
});

test("migrations that ran are not run again", async () => assert.deepEqual(await migrate(database.db), []));

test("the typed schema names the tables that exist", async () => {
  const { rows } = await sql<{ tablename: string }>`
    select tablename from pg_tables where schemaname = 'public' and tablename not like 'kysely_%' order by 1`.execute(
    database.db,
  );
  const typed: Record<keyof Database, true> = {
    alert_channels: true,
    alert_messages: true,
    alert_rules: true,
    alerts: true,
    audit_heads: true,
    audit_log: true,
    customers: true,
    event_schemas: true,
    event_shards: true,
    event_views: true,
    incidents: true,
    jobs: true,
    people: true,
    reference_rows: true,
    reference_tables: true,
    report_runs: true,
    reports: true,
    signing_secrets: true,
    subscription_versions: true,
    subscriptions: true,
    tenant_versions: true,
    watchers: true,
  };
  assert.deepEqual(
    rows.map(({ tablename }) => tablename),
    Object.keys(typed),
  );
});

test.run();
