import assert from "node:assert/strict";
import { S3Client } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { suite } from "uvu";
import type { MetricsReader } from "../../../runtime/counters/metrics.ts";
import { HOST_HEADER, type Identity } from "../../../runtime/domain/identity/identity.ts";
import type { ServiceRequest } from "../../../runtime/domain/service.ts";
import { makeRun } from "../../../runtime/report/run.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { verifyChannel } from "../../support/channels.ts";
import { serve } from "../../support/service.ts";
import { shop } from "./world.ts";

/**
 * The report function is killed at any step, before the step is done or after it, and the run is taken again. Nobody is left without the
 * report, and at most the one whose mail was sent and not noted gets it twice.
 */
const test = suite("a report's mails, whenever the function is killed");
const RECIPIENTS = ["ada@example.com", "bob@example.com", "cy@example.com"];
const CLAIM_MS = 4 * 60_000;

let api: TestApi;
let live: Identity;
let reader: MetricsReader;
let report: string;
test.before(async () => {
  api = await startApi({
    // Links are signed here, and nobody opens them.
    s3: new S3Client({ region: "us-east-1", credentials: { accessKeyId: "test", secretAccessKey: "test" } }),
    lambda: { send: async () => ({ Payload: Buffer.from('{"sent":true,"error":null}') }) } as never,
  });
  reader = await shop();
  ({ live } = await api.customer());
  for (const target of RECIPIENTS) {
    const { body } = await call("POST", "/alert-channels", { kind: "email", target });
    await verifyChannel(api, body.channel_id, api.deps.now());
  }
  const asked = await call("POST", "/reports", { name: "Orders", template: "weekly", recipients: RECIPIENTS });
  report = asked.body.report_id;
});
test.after(() => api.close());

const call = (method: string, path: string, body?: unknown) =>
  api.call(live, method, path, body, { [HOST_HEADER]: "api.example.com" });
const service = <O extends ServiceRequest["op"]>(request: Extract<ServiceRequest, { op: O }>) =>
  serve<O>(api.database.db, request, api.deps.now());

const killed = Symbol("killed");

/** One life of the function. @param steps how many of its steps it does; half a step is one whose answer never comes */
async function life(run_id: string, steps: number, mails: string[]): Promise<void> {
  let left = steps;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (left <= 0) throw killed;
    const done = await work();
    left -= 1;
    if (left < 0) throw killed;
    return done;
  };
  const dies = (thrown: unknown) => {
    if (thrown !== killed) throw thrown;
    // A process that was killed runs nothing, also what stands after a refusal.
    return new Promise<never>(() => undefined);
  };
  const taken = await service<"report_take">({ op: "report_take", run_id });
  if (taken.run === null) return;
  const run = taken.run;
  const whole = makeRun(
    {
      log: () => undefined,
      reader,
      pdf: async () => Buffer.from("%PDF"),
      keep: async () => undefined,
      mail: (to) => step(async () => void mails.push(to)).catch(ended),
      mailed: (id, address) =>
        step(() => service<"report_mailed">({ op: "report_mailed", run_id: id, address })).catch(ended),
      linkKey: async () => "a cursor secret",
    },
    run,
    api.deps.now(),
  ).then(async (result) => {
    await step(() => service<"report_done">({ op: "report_done", run_id, status: "succeeded", result })).catch(ended);
  });
  let kill = (): void => undefined;
  const death = new Promise<void>((resolve) => {
    kill = resolve;
  });
  function ended(thrown: unknown): Promise<never> {
    if (thrown === killed) kill();
    return dies(thrown);
  }
  await Promise.race([whole, death]);
}

/** Two steps a recipient and one for the end, each done, begun and cut off, or not begun. */
const moment = fc.integer({ min: 0, max: 4 * RECIPIENTS.length + 2 }).map((half) => half / 2);

test("everybody gets the report, and at most one recipient a kill gets it twice", () =>
  fc.assert(
    fc.asyncProperty(fc.array(moment, { maxLength: 2 }), async (kills) => {
      const { body } = await call("POST", `/reports/${report}/run`);
      const mails: string[] = [];
      for (const steps of [...kills, Number.POSITIVE_INFINITY]) {
        await life(body.run_id, steps, mails);
        api.advance(CLAIM_MS);
      }
      assert.deepEqual([...new Set(mails)], RECIPIENTS);
      assert.ok(mails.length <= RECIPIENTS.length + kills.length, mails.join());
      const { runs } = (await call("GET", `/reports/${report}/runs`)).body;
      const [{ status, sent_to }] = runs.filter(({ run_id }: { run_id: string }) => run_id === body.run_id);
      assert.deepEqual([status, [...new Set(sent_to)]], ["succeeded", RECIPIENTS]);
    }),
    { numRuns: 40 },
  ));

test.run();
