/**
 * `npm run sealing`: a new key for what customers entrust, without a text that can't be opened any more. See docs/restore.md.
 *
 *   npm run sealing                       which keys there are, and how many texts need each
 *   npm run sealing -- add                adds a key
 *   npm run sealing -- use                ten minutes later: new texts are sealed by it
 *   npm run sealing -- seal               seals the old ones anew
 *   npm run sealing -- retire 1           ten minutes later, once no text and no backup needs it: key 1 goes
 *
 * Without options it speaks to the platform that runs here. With these two to an AWS account, with the credentials of the shell:
 *   --sealing-secret "$(pulumi stack output sealingSecret)" --function "$(pulumi stack output bootstrapFunction)"
 */
import { parseArgs } from "node:util";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { defined } from "../runtime/domain/defined.ts";
import { localGateway } from "./gateway.ts";
import { Refusal, SETTLE_MS } from "./heldSecret.ts";
import { add, retire, type Sealing, seal, use, usesOf } from "./sealings.ts";

const USAGE = "npm run sealing -- [add | use | seal | retire <key>]; see docs/restore.md";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "sealing-secret": { type: "string" },
    function: { type: "string" },
    region: { type: "string" },
    // For rehearsals: in earnest the caches need their ten minutes.
    "settle-seconds": { type: "string", default: String(SETTLE_MS / 1_000) },
  },
});

function open(): Sealing {
  const { "sealing-secret": secret, function: name } = values;
  if (secret === undefined && name === undefined) {
    const { client, outputs } = localGateway();
    return sealingOf(client, String(outputs.sealingSecret), String(outputs.bootstrapFunction));
  }
  if (secret === undefined || name === undefined)
    throw new Refusal(`--sealing-secret and --function go together\n${USAGE}`);
  const region = values.region ?? /^arn:[^:]+:secretsmanager:([^:]+):/.exec(secret)?.[1];
  return sealingOf(defined({ region }), secret, name);
}

function sealingOf(
  options: ConstructorParameters<typeof LambdaClient>[0] & object,
  sealingSecret: string,
  FunctionName: string,
): Sealing {
  const lambda = new LambdaClient(options);
  async function ask(event: object): Promise<unknown> {
    const { Payload, FunctionError } = await lambda.send(
      new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
    );
    const text = Buffer.from(Payload ?? []).toString("utf8");
    if (FunctionError !== undefined) throw new Error(`${FunctionName} failed: ${text}`);
    return JSON.parse(text);
  }
  return {
    secrets: new SecretsManagerClient(options as ConstructorParameters<typeof SecretsManagerClient>[0] & object),
    sealingSecret,
    counts: async () => (await ask({ op: "count_sealed" })) as Record<string, number>,
    sealSome: async () => ((await ask({})) as { sealed: number }).sealed,
    now: Date.now,
  };
}

const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

async function run(): Promise<string> {
  const [step = "list", version] = positionals;
  const settleMs = Number(values["settle-seconds"]) * 1_000;
  if (!(settleMs >= 0)) throw new Refusal("--settle-seconds takes a number of seconds");
  switch (step) {
    case "list":
      return (await usesOf(open()))
        .map(({ version, current, texts }) =>
          version === ""
            ? `in clear text: ${plural(texts, "text")}`
            : `key ${version}${current ? " (current)" : ""}: ${plural(texts, "text")}`,
        )
        .join("\n");
    case "add":
      return `key ${await add(open())} added; in ${settleMs / 1_000} s: npm run sealing -- use`;
    case "use":
      return `new texts are sealed by key ${await use(open(), settleMs)}; now: npm run sealing -- seal`;
    case "seal":
      return `${plural(await seal(open()), "text")} sealed anew`;
    case "retire":
      if (version === undefined) throw new Refusal(USAGE);
      await retire(open(), version, settleMs);
      return `key ${version} is gone`;
    default:
      throw new Refusal(USAGE);
  }
}

try {
  console.log(await run());
} catch (thrown) {
  if (!(thrown instanceof Refusal)) throw thrown;
  console.error(`nothing changed: ${thrown.message}`);
  process.exitCode = 1;
}
