/**
 * `npm run pepper`: a new pepper for API keys, without a key that stops working. See docs/api-keys.md.
 *
 *   npm run pepper                        which versions there are, and whose keys need each
 *   npm run pepper -- add                 adds a version
 *   npm run pepper -- use                 ten minutes later: new keys are stored under it
 *   npm run pepper -- retire 1            once no key needs it: version 1 goes
 *
 * Without options it speaks to the platform that runs here. With these three to an AWS account, with the credentials of the shell:
 *   --keys-table "$(pulumi stack output keysTable)" --pepper-secret "$(pulumi stack output pepperSecret)"
 *   --operator-secret "$(pulumi stack output operatorSecret)"
 */
import { parseArgs } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { defined } from "../runtime/domain/defined.ts";
import { localGateway } from "./gateway.ts";
import { Refusal, SETTLE_MS } from "./heldSecret.ts";
import { add, type Directory, retire, use, usesOf } from "./peppers.ts";

const USAGE = "npm run pepper -- [add | use | retire <version>]; see docs/api-keys.md";
const named = ["keys-table", "pepper-secret", "operator-secret"] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "keys-table": { type: "string" },
    "pepper-secret": { type: "string" },
    "operator-secret": { type: "string" },
    region: { type: "string" },
    // For rehearsals: in earnest the caches need their ten minutes.
    "settle-seconds": { type: "string", default: String(SETTLE_MS / 1_000) },
  },
});

function open(): Directory {
  const given = named.filter((name) => values[name] !== undefined);
  if (given.length === 0) {
    const { client, outputs } = localGateway();
    return directoryOf(client, String(outputs.keysTable), String(outputs.pepperSecret), String(outputs.operatorSecret));
  }
  if (given.length < named.length)
    throw new Refusal(`--keys-table, --pepper-secret and --operator-secret go together\n${USAGE}`);
  const secret = values["pepper-secret"]!;
  // The ARN of a secret names its region: the primary's, where alone it may be written.
  const region = values.region ?? /^arn:[^:]+:secretsmanager:([^:]+):/.exec(secret)?.[1];
  const options = defined({ region });
  return directoryOf(options, values["keys-table"]!, secret, values["operator-secret"]!);
}

const directoryOf = (
  options: ConstructorParameters<typeof DynamoDBClient>[0] & object,
  keysTable: string,
  pepperSecret: string,
  operatorSecret: string,
): Directory => ({
  dynamodb: new DynamoDBClient(options),
  secrets: new SecretsManagerClient(options as ConstructorParameters<typeof SecretsManagerClient>[0] & object),
  keysTable,
  pepperSecret,
  operatorSecret,
  now: Date.now,
});

const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;

async function run(): Promise<string> {
  const [step = "list", version] = positionals;
  const settleMs = Number(values["settle-seconds"]) * 1_000;
  if (!(settleMs >= 0)) throw new Refusal("--settle-seconds takes a number of seconds");
  switch (step) {
    case "list":
      return (await usesOf(open()))
        .map(
          ({ version: name, current, keys, customers }) =>
            `version ${name}${current ? " (current)" : ""}: ${plural(keys, "key")}${keys === 0 ? "" : `, of ${customers.join(", ")}`}`,
        )
        .join("\n");
    case "add":
      return `version ${await add(open())} added; in ${settleMs / 1_000} s: npm run pepper -- use`;
    case "use":
      return `new keys are stored under version ${await use(open(), settleMs)}, and the operator's is`;
    case "retire":
      if (version === undefined) throw new Refusal(USAGE);
      await retire(open(), version, settleMs);
      return `version ${version} is gone`;
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
