import { save, saveCsv, saveJson } from "../save.ts";
import { csvOf, jsonOf, type View } from "../told.tsx";
import { Choices } from "./menu.tsx";

/** What can be done with one view: seen as a table, taken along. */
export function ViewMenu({ view, table, setTable }: { view: View; table: boolean; setTable: (is: boolean) => void }) {
  const { title, told, picture } = view;
  const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const actions: readonly (readonly [string, () => unknown])[] = [
    [table ? "Show the picture" : "Show as a table", () => setTable(!table)],
    ["Save as CSV", () => saveCsv(name, csvOf(told))],
    ["Save as JSON", () => saveJson(name, jsonOf(told))],
    ...(picture === undefined
      ? []
      : [["Save the picture (SVG)", async () => save(`${name}.svg`, "image/svg+xml", await picture(800))] as const]),
  ];
  return (
    <Choices
      label={`More about ${title}`}
      look="quiet"
      className="min-h-8 px-2 py-0 text-muted"
      choices={actions.map(([label]) => [label, label] as const)}
      choose={(label) => void actions.find(([each]) => each === label)?.[1]()}
    >
      <span aria-hidden="true">⋯</span>
    </Choices>
  );
}
