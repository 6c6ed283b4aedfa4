import assert from "node:assert/strict";
import { suite } from "uvu";
import { buildApp } from "../../../runtime/api/app.ts";
import type { Deps } from "../../../runtime/api/deps.ts";
import { CAPS } from "../../../runtime/database/caps.ts";
import type { Identity } from "../../../runtime/domain/identity/identity.ts";
import { callOf, startApi, type TestApi } from "../../support/api.ts";
import { postgresHere, type Server, startPostgres } from "../../support/postgres.ts";
import { testVault } from "../../support/vault.ts";

/** Calls that come at once, to as many environments of the API, over a PostgreSQL that runs their transactions at once. */
const test = suite("calls at once");
const programs = postgresHere();

if (programs === undefined)
  test("there is no PostgreSQL on this machine, so calls at once are not tried: install it, as .ci/run does", () => {});
else {
  const ENVIRONMENTS = 12;
  const HOOK = { webhook_url: "https://example.com/hook", event_selector: "a" };
  const subscribed = async (who: Identity): Promise<string> =>
    `/subscriptions/${(await api.call(who, "POST", "/subscriptions", HOOK)).body.subscription_id}`;
  let server: Server;
  let api: TestApi;
  let environments: ReturnType<typeof callOf>[];
  test.before(async () => {
    server = await startPostgres(programs);
    const lambda = { send: async () => ({ Payload: Buffer.from('{"sent":true,"error":null}') }) };
    api = await startApi({
      ...{ db: server.connect(), vault: async () => testVault, lambda: lambda as unknown as Deps["lambda"] },
    });
    environments = Array.from({ length: ENVIRONMENTS }, () => callOf(buildApp({ ...api.deps, db: server.connect() })));
  });
  test.after(async () => {
    await api.close();
    await server.close();
  });

  /** Makes calls, one at a time in each environment. @returns how many had each status */
  async function atOnce(
    times: number,
    who: Identity,
    method: string,
    path: string,
    body: (nth: number) => object | undefined,
  ) {
    const answers: Awaited<ReturnType<TestApi["call"]>>[] = [];
    // An environment serves one call at a time.
    await Promise.all(
      environments.map(async (call, first) => {
        for (let nth = first; nth < times; nth += ENVIRONMENTS) answers.push(await call(who, method, path, body(nth)));
      }),
    );
    return { answers, statuses: Object.fromEntries(countsOf(answers.map(({ status }) => status))) };
  }
  const countsOf = (all: readonly number[]) =>
    [...Map.groupBy(all, (each) => each)].map(([each, list]) => [each, list.length]);

  const capped: [says: string, path: string, body: (nth: number) => object, made: number, cap: number][] = [
    [
      "replays under way",
      "/replays",
      () => ({ from: new Date(Date.now() - 60_000).toISOString() }),
      202,
      CAPS.jobs.replay,
    ],
    ["exports under way", "/privacy/exports", () => ({ all: true }), 202, CAPS.jobs.export],
    ["reports", "/reports", (nth) => ({ name: `Week ${nth}`, template: "weekly" }), 201, 50],
    // The first key of each side is one of them.
    ["keys", "/keys", (nth) => ({ name: `k${nth}` }), 201, CAPS.keys - 2],
    ["equal channels", "/alert-channels", () => ({ kind: "email", target: "ada@example.com" }), 201, 1],
    ["people of one address", "/people", () => ({ email: "ada@example.com", role: "auditor" }), 201, 1],
  ];
  for (const [says, path, body, made, cap] of capped)
    test(`${says}: of more than may be, as many as may be are made, and the others are refused`, async () => {
      const { live } = await api.customer();
      const { statuses } = await atOnce(cap + 15, live, "POST", path, body);
      const { [made]: done, ...refused } = statuses;
      assert.equal(done, cap, JSON.stringify(statuses));
      assert.ok(
        Object.keys(refused).every((status) => ["409", "422"].includes(status)),
        JSON.stringify(statuses),
      );
    });

  const changes: [
    says: string,
    prepare: (who: Identity) => Promise<readonly [method: string, path: string, body?: object]>,
  ][] = [
    ["changes of a subscription", async (who) => ["PATCH", await subscribed(who), { workflow_id: "w" }]],
    ["removals of a subscription", async (who) => ["DELETE", await subscribed(who)]],
    ["equal subscriptions", async () => ["POST", "/subscriptions", HOOK]],
    ["schemas of a type", async () => ["PUT", "/event-types/order.created", { type: "object" }]],
    ["rules of masking", async () => ["PUT", "/masking", { paths: ["$.email"], detect: [] }]],
    ["times of retention", async () => ["PUT", "/retention", { days: 30 }]],
    ["tables to look up", async () => ["PUT", "/reference-tables/prices", { rows: { a: { price: 1 } } }]],
    ["removals of a key", async (who) => ["DELETE", `/keys/${(await api.call(who, "POST", "/keys", {})).body.key_id}`]],
    ["first looks at the alert rules", async () => ["GET", "/alert-rules"]],
    ["alert rules", async () => ["POST", "/alert-rules", { name: "Slow", kind: "latency" }]],
    [
      "runs of a report",
      async (who) => {
        const { body } = await api.call(who, "POST", "/reports", { name: "Week", template: "weekly" });
        return ["POST", `/reports/${body.report_id}/run`];
      },
    ],
  ];
  for (const [says, prepare] of changes)
    test(`${says} at once fail for no caller`, async () => {
      const { live } = await api.customer();
      const [method, path, body] = await prepare(live);
      const { answers, statuses } = await atOnce(24, live, method, path, () => body);
      const failed = answers.find(({ status }) => status >= 500);
      assert.equal(failed, undefined, `${JSON.stringify(statuses)} ${JSON.stringify(failed?.body)}`);
      assert.ok(
        answers.some(({ status }) => status < 300),
        JSON.stringify(answers[0]),
      );
    });

  test("of rotations at once, one secret is the newest, and each older one has an end", async () => {
    const { live } = await api.customer();
    const subscription = await subscribed(live);
    const { statuses } = await atOnce(16, live, "POST", `${subscription}/rotate-secret`, () => ({
      overlap_seconds: 60,
    }));
    assert.deepEqual(statuses, { 200: 16 });
    const secrets = await server
      .connect()
      .selectFrom("signing_secrets")
      .select("expires_at")
      .where("subscription_id", "=", subscription.split("/").at(-1)!)
      .execute();
    assert.equal(secrets.length, 17);
    assert.equal(secrets.filter(({ expires_at }) => expires_at === null).length, 1);
  });

  test("of rotations of a key at once, each answers with a text of its own, and none is lost", async () => {
    const { live } = await api.customer();
    const { body: key } = await api.call(live, "POST", "/keys", {});
    const { answers, statuses } = await atOnce(12, live, "POST", `/keys/${key.key_id}/rotate`, () => ({
      overlap_seconds: 60,
    }));
    assert.deepEqual(statuses, { 200: 12 });
    assert.equal(new Set(answers.map(({ body }) => body.api_key)).size, 12);
  });
}

test.run();
