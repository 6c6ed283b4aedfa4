import { Triggers } from "../../../sdk/typescript/src/client.ts";
import { CommandError, exits } from "../exits.ts";
import { command } from "../run.ts";
import { connectionOf, localPlatform } from "../settings.ts";

export default command<object, []>(async ({ flags, out, process, client }) => {
  const triggers = client();
  const { url, apiKey } = connectionOf(flags, process.env, process.cwd());
  const local = localPlatform(process.env, process.cwd());
  const sandboxKey = apiKey.startsWith("trg_sandbox_")
    ? apiKey
    : (process.env.TRIGGERS_SANDBOX_KEY ?? (local?.url === url ? local.sandbox_key : undefined));
  if (sandboxKey?.startsWith("trg_sandbox_") === false)
    throw new CommandError("TRIGGERS_SANDBOX_KEY holds no sandbox key: live events are not sent from here.", exits.key);
  if (process.stdin.isTTY)
    out.note("An assistant starts this, and talks to it over standard input and output. Ctrl-C ends it.");
  const { serve } = await import("../mcp/server.ts");
  await serve(triggers, {
    sandbox: () => (sandboxKey === undefined ? undefined : new Triggers({ url, apiKey: sandboxKey, lossless: true })),
  });
});
