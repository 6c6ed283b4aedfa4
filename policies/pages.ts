import { settingsPage } from "../components/settingsPage.ts";
import { errorsMarkdown } from "../runtime/domain/errorsMarkdown.ts";
import { stackConfig } from "./graph.ts";

/** Pages below docs/ by file name, as they should read now. */
export async function generatedPages(): Promise<Readonly<Record<string, string>>> {
  const stacks = Object.fromEntries(["local", "dev", "prod"].map((stack) => [stack, stackConfig(stack)]));
  return { "configuration.md": settingsPage(stacks), "errors.md": errorsMarkdown() };
}
