import * as checks from "./checks.ts";
import { type Following, followEvent } from "./event.ts";
import { type Finding, refusal, wait, wrong } from "./finding.ts";

export interface Verification {
  readonly world: checks.World;
  /** @default no event is sent */
  readonly following: Following | undefined;
}

export interface NamedFinding extends Finding {
  readonly check: string;
}

/** In the order in which the first hour in an account asks them. */
const table: readonly (readonly [name: string, check: checks.Check])[] = [
  ["log groups", checks.logGroups],
  ["bucket policies", checks.bucketPolicies],
  ["database proxy", checks.proxies],
  ["schedules", checks.schedules],
  ["TLS", checks.tls],
  ["mail", checks.mail],
  ["quotas", checks.quotas],
];

/** Every check, one after the other; the event last, and after it what it may have set off. */
export async function verify({ world, following }: Verification): Promise<readonly NamedFinding[]> {
  const findings: NamedFinding[] = [];
  const run = async (check: string, look: () => Promise<readonly Finding[]>): Promise<void> => {
    try {
      for (const finding of await look()) findings.push({ check, ...finding });
    } catch (thrown) {
      findings.push({ check, ...wrong(refusal(thrown), "Check the credentials of this shell.") });
    }
  };
  for (const [name, check] of table) await run(name, () => check(world));
  await run("event", async () =>
    following === undefined
      ? [wait("no event was sent", "Give --key a sandbox key, or set TRIGGERS_SANDBOX_KEY.")]
      : await followEvent(world, following),
  );
  await run("dead letters", () => checks.deadLetters(world));
  await run("alarms", () => checks.alarms(world));
  return findings;
}
