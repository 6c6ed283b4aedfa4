import assert from "node:assert/strict";
import { S3Client } from "@aws-sdk/client-s3";
import { suite } from "uvu";
import { RUNS_KEPT_DAYS, takeRun } from "../../../runtime/database/reports.ts";
import { asService } from "../../../runtime/database/roles.ts";
import { HOST_HEADER, type Identity } from "../../../runtime/domain/identity/identity.ts";
import { linkTo } from "../../../runtime/domain/links.ts";
import type { RunResult, TakenRun } from "../../../runtime/domain/reports/report.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { verifyChannel } from "../../support/channels.ts";
import { serve } from "../../support/service.ts";

const test = suite("reports over the API");
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let api: TestApi;
let live: Identity;
/** Runs that the report function was asked for. */
const started: string[] = [];
test.before(async () => {
  api = await startApi({
    // Links are signed here, and nobody opens them.
    s3: new S3Client({ region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } }),
    lambda: {
      send: async ({ input }: { input: { Payload: Uint8Array } }) => {
        const request = JSON.parse(Buffer.from(input.Payload).toString()) as { run_id?: string };
        if (request.run_id !== undefined) started.push(request.run_id);
        return { Payload: Buffer.from(JSON.stringify({ sent: true, error: null })) };
      },
    } as never,
  });
});
test.after(() => api.close());
test.before.each(async () => {
  ({ live } = await api.customer());
  started.length = 0;
});

const call = (method: string, path: string, body?: unknown, who = live) =>
  api.call(who, method, path, body, { [HOST_HEADER]: "api.example.com" });

async function address(target: string, verified = true, who = live): Promise<void> {
  const { body } = await call("POST", "/alert-channels", { kind: "email", target }, who);
  if (verified) await verifyChannel(api, body.channel_id, api.deps.now());
}
const daily = { every: "day", at: "08:00", time_zone: "Europe/Berlin" };
async function report(more: object = {}): Promise<{ report_id: string; next_run_at: string }> {
  const { status, body } = await call("POST", "/reports", { name: "Orders", template: "weekly", ...more });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}
const take = (runId?: string) => asService(api.deps.db, (tx) => takeRun(tx, runId, api.deps.now()));
/** Every run that waits, by the report that it is of. */
async function takeAll(): Promise<TakenRun[]> {
  const taken: TakenRun[] = [];
  for (let run = await take(); run !== null; run = await take()) taken.push(run);
  return taken;
}
const runsOf = async (id: string) => (await call("GET", `/reports/${id}/runs`)).body.runs;
const done = (run_id: string, status: "succeeded" | "failed", result: RunResult) =>
  serve(api.database.db, { op: "report_done", run_id, status, result }, api.deps.now());
const linkKey = () => api.deps.secret(api.deps.env.CURSOR_SECRET);

test("recipients are verified addresses of the customer: others are refused by place", async () => {
  await address("ada@example.com");
  await address("new@example.com", false);
  const { live: stranger } = await api.customer("Other");
  await address("stranger@example.com", true, stranger);
  for (const recipient of ["new@example.com", "nobody@example.com", "stranger@example.com"]) {
    const body = { name: "x", template: "weekly", recipients: ["ada@example.com", recipient] };
    const refused = await call("POST", "/reports", body);
    assert.deepEqual([refused.status, refused.body.error.details[0].path], [422, "/recipients/1"]);
  }
  const { report_id } = await report({ recipients: ["ada@example.com"] });
  const changed = await call("PATCH", `/reports/${report_id}`, { recipients: ["new@example.com"] });
  assert.equal(changed.status, 422);
});

test("an address that is not verified when the report runs gets nothing", async () => {
  await address("ada@example.com");
  await address("bob@example.com");
  const { report_id } = await report({ recipients: ["ada@example.com", "bob@example.com"] });
  const { alert_channels } = (await call("GET", "/alert-channels")).body;
  const gone = alert_channels.find(({ target }: { target: string }) => target === "bob@example.com");
  await call("DELETE", `/alert-channels/${gone.channel_id}`);
  const { body: run } = await call("POST", `/reports/${report_id}/run`);
  assert.deepEqual((await take(run.run_id))!.recipients, ["ada@example.com"]);
});

test("one POST to the link unsubscribes, for good; opening it does not", async () => {
  await address("ada@example.com");
  await address("bob@example.com");
  const recipients = ["ada@example.com", "bob@example.com"];
  const { report_id } = await report({ recipients });
  const { customer_id } = live;
  const url = linkTo(await linkKey(), "", { does: "unsubscribe", customer_id, report_id, address: "ada@example.com" });
  const subscribed = async () => (await call("GET", `/reports/${report_id}`)).body.unsubscribed;
  const opened = await api.app.request(url);
  assert.equal(opened.status, 200);
  assert.match(await opened.text(), /<form method="post">/);
  assert.deepEqual(await subscribed(), []);
  for (let time = 0; time < 2; time += 1) {
    const clicked = await api.app.request(url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "List-Unsubscribe=One-Click",
    });
    assert.equal(clicked.status, 200);
  }
  assert.deepEqual(await subscribed(), ["ada@example.com"]);
  await call("PATCH", `/reports/${report_id}`, { recipients });
  const { body: run } = await call("POST", `/reports/${report_id}/run`);
  assert.deepEqual((await take(run.run_id))!.recipients, ["bob@example.com"]);
});

test("a forged link, or one made for something else, unsubscribes no address", async () => {
  await address("ada@example.com");
  const { report_id } = await report({ recipients: ["ada@example.com"] });
  const { customer_id } = live;
  const does = { does: "unsubscribe", customer_id, report_id, address: "ada@example.com" } as const;
  const good = linkTo(await linkKey(), "", does);
  const [body, mac] = good.split(".") as [string, string];
  const other = Buffer.from(JSON.stringify({ ...does, address: "bob@example.com" })).toString("base64url");
  const verify = { does: "verify", customer_id, channel_id: "chn_01JDGXS7G0ABCDEFGHJKMNPQRT", code: "123456" } as const;
  for (const url of [
    linkTo("another secret", "", does),
    // The last character of a signature has bits that stand for nothing, the first one has none.
    `${body}.${mac.startsWith("A") ? "B" : "A"}${mac.slice(1)}`,
    `/links/${other}.${mac}`,
    body,
    "/links/none",
  ])
    assert.equal((await api.app.request(url, { method: "POST" })).status, 404, url);
  const elsewhere = await api.app.request(linkTo(await linkKey(), "", verify), { method: "POST" });
  assert.match(await elsewhere.text(), /no longer works/);
  assert.deepEqual((await call("GET", `/reports/${report_id}`)).body.unsubscribed, []);
});

test("a schedule makes one run when it is due, and the next time is that of its zone's clock", async () => {
  const { report_id, next_run_at } = await report({ schedule: daily });
  assert.match(next_run_at, /T0[67]:00:00\.000Z$/);
  await takeAll();
  assert.deepEqual(await runsOf(report_id), []);
  api.advance(Date.parse(next_run_at) - api.deps.now() + 1);
  const taken = (await takeAll()).filter((run) => run.report_id === report_id);
  assert.equal(taken.length, 1);
  assert.deepEqual((await takeAll()).length, 0);
  const after = (await call("GET", `/reports/${report_id}`)).body.next_run_at;
  const hours = (Date.parse(after) - Date.parse(next_run_at)) / 3_600_000;
  assert.ok(hours >= 23 && hours <= 25);
  assert.equal((await runsOf(report_id))[0].asked_by, "schedule");
});

test("a schedule whose next time can't be told keeps no other report from being made", async () => {
  const [damaged, well] = [await report({ schedule: daily }), await report({ schedule: daily })];
  await asService(api.database.db, async (tx) => {
    const { definition } = await tx
      .selectFrom("reports")
      .select("definition")
      .where("report_id", "=", damaged.report_id)
      .executeTakeFirstOrThrow();
    const broken = { ...definition, schedule: { ...daily, time_zone: "Mars/Olympus" } };
    await tx
      .updateTable("reports")
      .set({ definition: JSON.stringify(broken) })
      .where("report_id", "=", damaged.report_id)
      .execute();
  });
  api.advance(Date.parse(well.next_run_at) - api.deps.now() + 1);
  const taken = (await takeAll()).map(({ report_id }) => report_id);
  assert.deepEqual(
    [damaged, well].map(({ report_id }) => taken.filter((each) => each === report_id).length),
    [1, 1],
  );
  assert.equal((await takeAll()).length, 0);
});

test("a platform that was away for days makes one run, and goes on with the next time", async () => {
  const { report_id, next_run_at } = await report({ schedule: daily });
  api.advance(Date.parse(next_run_at) - api.deps.now() + 5 * DAY);
  assert.equal((await takeAll()).filter((run) => run.report_id === report_id).length, 1);
  const { body } = await call("GET", `/reports/${report_id}`);
  assert.ok(Date.parse(body.next_run_at) > api.deps.now());
});

test("a run is asked for, taken once, and read with links to the mail, the PDF and the CSV", async () => {
  const { report_id } = await report();
  const asked = await call("POST", `/reports/${report_id}/run`);
  assert.deepEqual([asked.status, asked.body.status, asked.body.asked_by], [202, "pending", live.key_id]);
  const { run_id } = asked.body;
  assert.deepEqual(started, [run_id]);
  assert.equal((await take(run_id))!.report_id, report_id);
  assert.equal(await take(run_id), null);
  assert.equal((await runsOf(report_id))[0].status, "running");
  const objects = { html: "reports/a.html", pdf: "reports/a.pdf", csv: "reports/a.csv" };
  await done(run_id, "succeeded", { from: "2026-11-16T00:00:00Z", to: "2026-11-23T00:00:00Z", sent_to: [], objects });
  const [run] = await runsOf(report_id);
  assert.deepEqual([run.status, run.from], ["succeeded", "2026-11-16T00:00:00Z"]);
  for (const part of ["html", "pdf", "csv"])
    assert.ok(run[`${part}_url`].includes(`reports/a.${part}`), run[`${part}_url`]);
  api.advance(8 * DAY);
  assert.equal((await runsOf(report_id))[0].pdf_url, null);
  const { live: stranger } = await api.customer("Other");
  assert.equal((await call("GET", `/reports/${report_id}/runs`, undefined, stranger)).status, 404);
});

test("a run whose function dies is made again, at most three times", async () => {
  const { report_id } = await report();
  const { run_id } = (await call("POST", `/reports/${report_id}/run`)).body;
  for (let time = 0; time < 3; time += 1) {
    assert.notEqual(await take(run_id), null);
    api.advance(4 * MINUTE);
  }
  assert.equal(await take(run_id), null);
  const [run] = await runsOf(report_id);
  assert.deepEqual([run.status, run.error], ["failed", "It was begun three times and never came to an end."]);
  // What comes of a maker that was only slow changes nothing any more.
  await done(run_id, "succeeded", {});
  assert.equal((await runsOf(report_id))[0].status, "failed");
});

test("finished runs are listed for 400 days", async () => {
  const { report_id } = await report();
  const { run_id } = (await call("POST", `/reports/${report_id}/run`)).body;
  await take(run_id);
  await done(run_id, "succeeded", {});
  const forget = () => serve(api.database.db, { op: "alert_forget" }, api.deps.now());
  api.advance((RUNS_KEPT_DAYS - 1) * DAY);
  await forget();
  assert.equal((await runsOf(report_id)).length, 1);
  api.advance(2 * DAY);
  assert.ok((await forget()).runs >= 1);
  assert.deepEqual(await runsOf(report_id), []);
});

test("a tile that could never be answered is refused, each by its place, when a report is made or changed", async () => {
  const tile = (query: object) => ({ title: "x", query: { measures: ["events"], ...query } });
  const template = [
    tile({}),
    tile({ last: "30d", interval: "minute" }),
    tile({ from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }),
    // Of the report's own week.
    tile({ interval: "minute" }),
  ];
  const places = [
    ["/template/1/query/interval", /at most 10000 are allowed/],
    ["/template/2/query/to", /must be after/],
    ["/template/3/query/interval", /makes 10080 points/],
  ] as const;
  const { report_id } = await report();
  for (const refused of [
    await call("POST", "/reports", { name: "x", template }),
    await call("PATCH", `/reports/${report_id}`, { template }),
  ]) {
    assert.equal(refused.status, 400);
    const { details } = refused.body.error as { details: { path: string; message: string }[] };
    assert.deepEqual(
      details.map(({ path }) => path),
      places.map(([path]) => path),
    );
    for (const [at, [, says]] of places.entries()) assert.match(details[at]!.message, says);
  }
  const unknown = await call("POST", "/reports", { name: "x", template: "yearly" });
  assert.deepEqual(unknown.body.error.details, [{ path: "/template", message: 'must be "weekly" or "monthly"' }]);
  // What was right when it was made may still be renamed.
  assert.equal((await call("PATCH", `/reports/${report_id}`, { name: "y" })).status, 200);
});

test("limits: runs under way, reports, tiles, recipients, an unknown zone, an invalid time", async () => {
  const { report_id } = await report();
  for (let run = 0; run < 3; run += 1) assert.equal((await call("POST", `/reports/${report_id}/run`)).status, 202);
  const fourth = await call("POST", `/reports/${report_id}/run`);
  assert.deepEqual([fourth.status, fourth.body.error.code], [422, "limit_reached"]);
  const tile = { title: "x", query: { measures: ["events"] } };
  const bad: [body: object, path: string][] = [
    [{ template: Array.from({ length: 13 }, () => tile) }, "/template"],
    [{ schedule: { ...daily, time_zone: "Mars/Olympus" } }, "/schedule/time_zone"],
    [{ schedule: { ...daily, at: "24:00" } }, "/schedule/at"],
    [{ schedule: { ...daily, every: "year" } }, "/schedule/every"],
    [{ recipients: Array.from({ length: 51 }, (_, at) => `a${at}@example.com`) }, "/recipients"],
  ];
  for (const [body, path] of bad) {
    const refused = await call("POST", "/reports", { name: "x", template: "weekly", ...body });
    assert.deepEqual([refused.status, refused.body.error.details[0].path], [400, path]);
  }
  for (let more = 1; more < 50; more += 1) await report();
  assert.equal((await call("POST", "/reports", { name: "x", template: "weekly" })).body.error.code, "limit_reached");
});

test.run();
