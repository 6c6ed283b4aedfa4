import { Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { save, saveCsv, saveJson } from "../save.ts";
import { csvOf, jsonOf, type View } from "../told.tsx";
import { Button } from "./basic.tsx";

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
    <MenuTrigger>
      <Button look="quiet" className="min-h-8 px-2 py-0 text-muted" aria-label={`More about ${title}`}>
        <span aria-hidden="true">⋯</span>
      </Button>
      <Popover className="z-40 rounded-md border border-line bg-panel p-1 text-sm text-text shadow-lg">
        <Menu aria-label={`More about ${title}`} className="outline-none">
          {actions.map(([label, run]) => (
            <MenuItem
              key={label}
              className="cursor-pointer rounded px-3 py-2 outline-none data-[focused]:bg-sunk"
              onAction={() => void run()}
            >
              {label}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
