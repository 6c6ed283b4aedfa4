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
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { add, retire, use, usesOf } from "./peppers.ts";
import { plural, runSecretCommand } from "./secretCommand.ts";

await runSecretCommand({
  usage: "npm run pepper -- [add | use | retire <version>]; see docs/api-keys.md",
  options: { "keys-table": "keysTable", "pepper-secret": "pepperSecret", "operator-secret": "operatorSecret" },
  secret: "pepper-secret",
  open: (client, named) => ({
    dynamodb: new DynamoDBClient(client),
    secrets: new SecretsManagerClient(client),
    keysTable: named["keys-table"],
    pepperSecret: named["pepper-secret"],
    operatorSecret: named["operator-secret"],
    now: Date.now,
  }),
  steps: {
    list: async (directory) =>
      (await usesOf(directory))
        .map(
          ({ version, current, keys, customers }) =>
            `version ${version}${current ? " (current)" : ""}: ${plural(keys, "key")}${keys === 0 ? "" : `, of ${customers.join(", ")}`}`,
        )
        .join("\n"),
    add: async (directory, settleMs) =>
      `version ${await add(directory)} added; in ${settleMs / 1_000} s: npm run pepper -- use`,
    use: async (directory, settleMs) =>
      `new keys are stored under version ${await use(directory, settleMs)}, and the operator's is`,
    retire: async (directory, settleMs, version) => {
      await retire(directory, version, settleMs);
      return `version ${version} is gone`;
    },
  },
  ofVersion: ["retire"],
});
