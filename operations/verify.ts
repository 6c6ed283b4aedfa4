/**
 * `npm run verify [-- --stack NAME]`: is what was deployed really there, and does it work? Read-only but for one sandbox event.
 *
 *   npm run verify                                          the platform that runs here
 *   npm run verify -- --stack prod --key trg_sandbox_…      a stack in AWS, with the credentials of the shell and the Pulumi CLI
 *
 *   --webhook URL               where the event is delivered; a subscription stands there for as long as the event is followed
 *   --events-per-second 10000   the load that quotas are checked against; --events-per-request 100, --event-bytes 1000
 *   --json                      findings as JSON
 *
 * Ends with 0 when nothing is wrong, 1 when something is, 2 when it could not look.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readArguments } from "../local/arguments.ts";
import type { LocalFile } from "../local/platform/state.ts";
import { localDeployment, pulumiDeployment } from "./verify/deployment.ts";
import { refusal } from "./verify/finding.ts";
import { verify } from "./verify/verify.ts";

const { values } = readArguments({
  options: {
    stack: { type: "string" },
    key: { type: "string" },
    webhook: { type: "string" },
    "events-per-second": { type: "string", default: "" },
    "events-per-request": { type: "string", default: "100" },
    "event-bytes": { type: "string", default: "1000" },
    json: { type: "boolean", default: false },
  },
});

const LETTERS = { ok: "ok   ", wait: "wait ", wrong: "WRONG" } as const;

async function main(): Promise<number> {
  const local = values.stack === undefined;
  const state = process.env.TRIGGERS_STATE ?? ".triggers";
  const deployment = local ? localDeployment(state) : pulumiDeployment(values.stack!, join(import.meta.dirname, ".."));
  const here = local ? (JSON.parse(readFileSync(join(state, "local.json"), "utf8")) as LocalFile) : undefined;
  const key = values.key ?? process.env.TRIGGERS_SANDBOX_KEY ?? here?.sandbox_key;
  const url = here?.url ?? String(deployment.outputs.url);
  // One machine is no account: what it should carry is said only when asked for.
  const eventsPerSecond = Number(values["events-per-second"] || (local ? 100 : 10_000));
  const findings = await verify({
    world: {
      deployment,
      load: {
        eventsPerSecond,
        eventsPerRequest: Number(values["events-per-request"]),
        eventBytes: Number(values["event-bytes"]),
      },
      now: Date.now,
    },
    following:
      key === undefined
        ? undefined
        : {
            url,
            key,
            webhook: values.webhook ?? (here === undefined ? undefined : `${here.sink_url}/verify`),
            patienceMs: 30_000,
          },
  });
  if (values.json) console.log(JSON.stringify(findings, null, 2));
  else {
    for (const { check, state: standing, says, remedy } of findings) {
      console.log(`${LETTERS[standing]} ${check.padEnd(15)} ${says}`);
      if (remedy !== undefined) console.log(`${" ".repeat(22)}-> ${remedy}`);
    }
    const count = (standing: string) => findings.filter((finding) => finding.state === standing).length;
    console.log(`${count("ok")} well, ${count("wait")} not known yet, ${count("wrong")} wrong`);
  }
  return findings.some(({ state: standing }) => standing === "wrong") ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (thrown) {
  console.error(refusal(thrown));
  process.exitCode = 2;
}
