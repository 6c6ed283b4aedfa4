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
import { join } from "node:path";
import { readArguments } from "../local/arguments.ts";
import type { LocalFile } from "../local/platform/state.ts";
import { readState, stateFolder } from "./gateway.ts";
import { Refusal, stoppedBy } from "./refusal.ts";
import { localDeployment, pulumiDeployment } from "./verify/deployment.ts";
import { verify } from "./verify/verify.ts";

const { values } = readArguments({
  options: {
    stack: { type: "string" },
    key: { type: "string" },
    webhook: { type: "string" },
    "events-per-second": { type: "string" },
    "events-per-request": { type: "string" },
    "event-bytes": { type: "string" },
    json: { type: "boolean", default: false },
  },
});

const LETTERS = { ok: "ok   ", wait: "wait ", wrong: "WRONG" } as const;

/** @throws Refusal where the option is no number above 0 */
function numberOf(option: "events-per-second" | "events-per-request" | "event-bytes", usual: number): number {
  const text = values[option] ?? String(usual);
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value))) throw new Refusal(`--${option} takes a number above 0, not "${text}"`);
  return value;
}

async function main(): Promise<number> {
  const local = values.stack === undefined;
  const load = {
    // One machine is no account: what it should carry is said only when asked for.
    eventsPerSecond: numberOf("events-per-second", local ? 100 : 10_000),
    eventsPerRequest: numberOf("events-per-request", 100),
    eventBytes: numberOf("event-bytes", 1_000),
  };
  const deployment = local
    ? localDeployment(stateFolder())
    : pulumiDeployment(values.stack!, join(import.meta.dirname, ".."));
  // Of a platform that has ended each check would say the same.
  if (local) await fetch(deployment.client.endpoint!);
  const here = local ? readState<LocalFile>("local.json") : undefined;
  const key = values.key ?? process.env.TRIGGERS_SANDBOX_KEY ?? here?.sandbox_key;
  const url = here?.url ?? String(deployment.outputs.url);
  const findings = await verify({
    world: {
      deployment,
      load,
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
  console.error(stoppedBy(thrown));
  process.exitCode = 2;
}
