import { errorsMarkdown } from "../runtime/domain/errors/errorsMarkdown.ts";
import { costPage } from "./cost/page.ts";
import { exampleConfig, exampleGraph, examples } from "./graph.ts";
import { permissionsPage } from "./permissions.ts";
import seen from "./permissionsSeen.json" with { type: "json" };
import { settingsPage } from "./settingsPage.ts";

/** Pages below docs/ by file name, as they should read now. */
export async function generatedPages(): Promise<Readonly<Record<string, string>>> {
  const stacks = Object.fromEntries(examples.map((stack) => [stack, exampleConfig(stack)]));
  const [prod, dev] = [await exampleGraph("prod"), await exampleGraph("dev")];
  return {
    "configuration.md": settingsPage(stacks),
    "cost.md": costPage(prod, dev),
    "errors.md": errorsMarkdown(),
    "permissions.md": permissionsPage(prod, seen),
  };
}
