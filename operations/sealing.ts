/**
 * `npm run sealing`: a new key for customers' secrets. Every sealed text can be opened at every moment. See docs/restore.md.
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
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { SealedCounts } from "../runtime/domain/webhook/vault.ts";
import { add, retire, type Sealing, seal, use, usesOf } from "./sealings.ts";
import { type ClientOptions, plural, runSecretCommand } from "./secretCommand.ts";

function sealingOf(options: ClientOptions, sealingSecret: string, FunctionName: string): Sealing {
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
    secrets: new SecretsManagerClient(options),
    sealingSecret,
    counts: async () => (await ask({ op: "count_sealed" })) as SealedCounts,
    sealSome: async () => ((await ask({})) as { sealed: number }).sealed,
    now: Date.now,
  };
}

await runSecretCommand({
  usage: "npm run sealing -- [add | use | seal | retire <key>]; see docs/restore.md",
  options: { "sealing-secret": "sealingSecret", function: "bootstrapFunction" },
  secret: "sealing-secret",
  open: (client, named) => sealingOf(client, named["sealing-secret"], named.function),
  steps: {
    list: async (sealing) => {
      const { keys, damaged } = await usesOf(sealing);
      const lines = keys.map(({ version, current, texts }) =>
        version === ""
          ? `in clear text: ${plural(texts, "text")}`
          : `key ${version}${current ? " (current)" : ""}: ${plural(texts, "text")}`,
      );
      if (damaged > 0) lines.push(`damaged, opened by no key: ${plural(damaged, "text")}`);
      return lines.join("\n");
    },
    add: async (sealing, settleMs) =>
      `key ${await add(sealing)} added; in ${settleMs / 1_000} s: npm run sealing -- use`,
    use: async (sealing, settleMs) =>
      `new texts are sealed by key ${await use(sealing, settleMs)}; now: npm run sealing -- seal`,
    seal: async (sealing) => `${plural(await seal(sealing), "text")} sealed anew`,
    retire: async (sealing, settleMs, version) => {
      await retire(sealing, version, settleMs);
      return `key ${version} is gone`;
    },
  },
  ofVersion: ["retire"],
});
