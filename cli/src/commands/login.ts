import { Triggers } from "../../../sdk/typescript/src/client.ts";
import { isTriggersError } from "../../../sdk/typescript/src/errors.ts";
import { CommandError, exits } from "../exits.ts";
import { readAll } from "../files.ts";
import { command } from "../run.ts";
import { addressOf, DEFAULT_URL, forgetKey, keepKey } from "../settings.ts";
import { ask } from "../text.ts";

export default command<{ keyStdin: boolean; forget: boolean }, []>(async ({ flags, out, process }) => {
  const url = addressOf(flags.url ?? (process.env.TRIGGERS_URL || DEFAULT_URL));
  if (flags.forget) {
    const forgotten = forgetKey(process.env, url);
    out.answer({ url, forgotten }, () =>
      forgotten ? `The key for ${url} is forgotten.` : `There was no key for ${url}.`,
    );
    return;
  }
  if (!flags.keyStdin && !process.stdin.isTTY)
    throw new CommandError('Nobody can type the key here: pass it to "triggers login --key-stdin".');
  const text = flags.keyStdin ? await readAll(process.stdin) : await ask(process, `API key for ${url}: `, true);
  const apiKey = text.trim();
  if (!/^trg_(live|sandbox)_/.test(apiKey))
    throw new CommandError('A key begins with "trg_live_" or "trg_sandbox_".', exits.key);
  try {
    await new Triggers({ url, apiKey }).call("GET", "/inbox", { query: { limit: "1" } as never });
  } catch (error) {
    // It may lack the scope to read, and be a good key all the same.
    if (!isTriggersError(error, "forbidden")) throw error;
  }
  const file = keepKey(process.env, { url, apiKey });
  const environment = apiKey.split("_")[1]!;
  out.answer(
    { url, environment, file },
    () => `The ${environment} key for ${url} works. It is kept in ${file}, which only you can read.`,
  );
});
