import { settingsPage } from "../components/settingsPage.ts";
import { errorsMarkdown } from "../runtime/domain/errorsMarkdown.ts";
import { costPage } from "./cost/page.ts";
import { graphOf, stackConfig } from "./graph.ts";
import { permissionsPage } from "./permissions.ts";
import seen from "./permissionsSeen.json" with { type: "json" };

/** Pages below docs/ by file name, as they should read now. */
export async function generatedPages(): Promise<Readonly<Record<string, string>>> {
  const stacks = Object.fromEntries(
    ["local", "dev", "prod", "prod-edge", "prod-us-east-1", "prod-us-west-2"].map((stack) => [
      stack,
      stackConfig(stack),
    ]),
  );
  const [prod, dev] = [await graphOf("prod"), await graphOf("dev")];
  return {
    "configuration.md": settingsPage(stacks),
    "cost.md": costPage(prod, dev),
    "errors.md": errorsMarkdown(),
    "permissions.md": permissionsPage(prod, seen),
  };
}
