/** `npm start [-- --fresh]`: the platform on this machine, until Ctrl-C. */
import { join } from "node:path";
import { readArguments } from "./arguments.ts";
import { collectWhenIdle } from "./idleHeap.ts";
import { idleMachine } from "./lambda/machine.ts";
import type { Platform } from "./product/platform.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function fail(message: string): never {
  process.stderr.write(`\n${message}\n`);
  process.exit(1);
}

/** The resources that a person knows by name; policies, encryption settings and the like come up with them. */
const SHOWN =
  /:(Function|Queue|Table|Bucket|Secret|Instance|ReplicationGroup|FirehoseDeliveryStream|Schedule|Invocation|Distribution)$/;

const stamp = (): string => new Date().toISOString().slice(11, 23);
const started = performance.now();
const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(1).padStart(5)} s`;

async function main(): Promise<void> {
  const { values } = readArguments(
    {
      options: {
        fresh: { type: "boolean", default: false },
        regions: { type: "string" },
        quotas: { type: "string" },
      },
    },
    "PORT=8081 npm start sets the port, TRIGGERS_STATE the folder of the state.",
  );
  const quotas = values.quotas === undefined ? undefined : Number(values.quotas);
  if (quotas !== undefined && !(quotas > 0 && quotas <= 1))
    fail(
      `--quotas takes a share of AWS's default quotas, above 0 and at most 1: --quotas 0.02, not "${values.quotas}".`,
    );
  const [home, standby, ...more] = values.regions?.split(",") ?? [];
  if (values.regions !== undefined && (home === undefined || standby === undefined || more.length > 0))
    fail(`--regions takes two, the home region and the standby region: --regions us-east-1,us-west-2`);
  const port = Number(process.env.PORT ?? 8080);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    fail(`PORT must be a number from 0 to 65535, not "${process.env.PORT}".`);
  const state = process.env.TRIGGERS_STATE ?? ".triggers";
  // Files that any thread writes from here on are readable by this user alone.
  process.umask(0o077);
  const { startPlatform } = await import("./product/platform.ts");
  const platform = await startPlatform({
    state,
    port,
    fresh: values.fresh,
    quotas,
    // A priority counts against other programs of the machine too: where those are busy, deliveries would wait for them.
    acceptFirst: process.env.TRIGGERS_ACCEPT_FIRST !== "no",
    ...(home === undefined || standby === undefined ? {} : { regions: [home, standby] as const }),
    log: (line) => say(`${stamp()} ${line}`),
    onCreated: ({ type, name }) => {
      if (SHOWN.test(type)) say(`${seconds()}  ${type.split(/[:/]/)[1]?.padEnd(15)} ${name}`);
    },
  });
  // Before the line that says it is ready: a reader of that line may stop it at once.
  process.on("SIGINT", () => void drain(platform));
  process.on("SIGTERM", () => void drain(platform));
  welcome(platform, state);
  collectWhenIdle();
  // Events go first, the first of them above all; who asks for a page has it built at once.
  void platform.warm().then(idleMachine).then(platform.pages);
}

function welcome({ url, consoleUrl, sandboxKey, sinkUrl }: Platform, state: string): void {
  say("");
  say(`ready ${url}`);
  say(sandboxKey);
  say("");
  say(`console       ${consoleUrl}`);
  say(`live key      api_key in ${join(state, "local.json")}, for your eyes only`);
  say(`webhooks      ${sinkUrl} takes any, ${sinkUrl}/requests shows them`);
  say(`state, logs   ${state}`);
  say("");
  say("Try, in another terminal:");
  say(
    `  curl -i ${url}/events -H 'authorization: Bearer ${sandboxKey}' -H 'content-type: application/json' -d '{"event_type":"order.created","id":1}'`,
  );
  say(`  curl -s ${url}/inbox -H 'authorization: Bearer ${sandboxKey}'`);
  say("  npm run demo");
  say("");
}

let draining = false;

async function drain(platform: Platform): Promise<void> {
  if (draining) process.exit(130);
  draining = true;
  say("stopping: finishing what is under way (Ctrl-C again stops at once)");
  await platform.stop();
  say("stopped");
  process.exit(0);
}

main().catch((cause: unknown) => {
  const error = cause as Error;
  fail(error.name === "StartError" ? error.message : `The platform could not start.\n${error.stack ?? String(error)}`);
});
