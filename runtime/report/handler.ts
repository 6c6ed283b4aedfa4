import { SESv2Client } from "@aws-sdk/client-sesv2";
import type { Context } from "aws-lambda";
import { clientsOver } from "../aws/clients.ts";
import { errorText, log } from "../aws/log.ts";
import { sendMail } from "../aws/mail.ts";
import { serviceOver } from "../aws/service.ts";
import { settingsHere, signedCalls } from "../aws/signed.ts";
import type { MetricsReader } from "../counters/metrics.ts";
import { defined } from "../domain/defined.ts";
import { readEnvironment } from "../domain/environment.ts";
import type { MetricsAnswer } from "../domain/metrics/answer.ts";
import type { RunResult } from "../domain/reports/report.ts";
import { reportVariables } from "./environment.ts";
import { makeRun, type RunPorts } from "./run.ts";

const env = readEnvironment(reportVariables);
const { dynamodb, invoke, putObject, getSecret } = clientsOver(signedCalls(settingsHere(15_000)));
const service = serviceOver(invoke, env.SUBSCRIPTIONS_FUNCTION);
/** The cube's function reads days of many files. */
const CUBE_MS = 30_000;
const ses = new SESv2Client({});

const reader: MetricsReader = {
  counters: { dynamodb, name: env.METRICS_TABLE },
  now: Date.now,
  cube: {
    ask: async (request) =>
      JSON.parse((await invoke(env.CUBE_FUNCTION, JSON.stringify(request), CUBE_MS)).toString("utf8")) as MetricsAnswer,
  },
  async workflows(tenant) {
    return new Map((await service({ op: "workflows", tenant })).answer.workflows);
  },
};

const ports: RunPorts = {
  log,
  reader,
  // Loaded when there is a report: most minutes have none, and the first run after a start should not wait for fonts.
  pdf: async (...asked) => (await import("./pdf.ts")).reportPdf(...asked),
  keep: (key, type, bytes) => putObject(env.EXPORT_BUCKET, key, bytes, type),
  mail: env.MAIL_FROM === "" ? undefined : (to, content) => sendMail(ses, env.MAIL_FROM, to, content),
  mailed: (run_id, address) => service({ op: "report_mailed", run_id, address }),
  async linkKey() {
    const key = await getSecret(env.CURSOR_SECRET);
    if (key === undefined) throw new Error("the secret that signs links has no value yet");
    return key;
  },
};

/** A run needs this long at most; the rest waits for the next minute. */
const RUN_MS = 60_000;

/** Started every minute, and by `POST /reports/{id}/run`: makes the runs that wait. */
export async function handler({ run_id }: { readonly run_id?: string }, context: Context): Promise<void> {
  for (let only = run_id; context.getRemainingTimeInMillis() > RUN_MS; only = undefined) {
    const { run } = (await service({ op: "report_take", ...defined({ run_id: only }) })).answer;
    if (run === null) {
      if (only === undefined) return;
      continue;
    }
    const began = Date.now();
    const { run_id: id } = run;
    const [status, result] = await makeRun(ports, run, began).then(
      (made): ["succeeded", RunResult] => ["succeeded", made],
      (error: unknown): ["failed", RunResult] => {
        log("error", "report.failed", { run_id: id, error: errorText(error) });
        return ["failed", { error: "The report could not be made; it is told to the operator." }];
      },
    );
    await service({ op: "report_done", run_id: id, status, result });
    if (status === "succeeded")
      log("info", "report.made", { run_id: id, sent: result.sent_to?.length ?? 0, ms: Date.now() - began });
  }
}
