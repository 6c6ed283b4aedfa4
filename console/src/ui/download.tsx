import { Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { Button } from "./basic.tsx";

/** A cell of CSV, quoted where RFC 4180 wants it; what a spreadsheet would run as a formula is made text. */
function cell(value: string | number): string {
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csvOf = (rows: readonly (readonly (string | number)[])[]): string =>
  rows.map((row) => row.map(cell).join(",")).join("\r\n");

/** Hands a text to the browser as a file. */
function save(name: string, type: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** What is shown, to take along. */
export function Download({
  name,
  rows,
  json,
}: {
  name: string;
  rows: () => readonly (readonly (string | number)[])[];
  json: () => unknown;
}) {
  return (
    <MenuTrigger>
      <Button>Download</Button>
      <Popover className="z-40 rounded-md border border-line bg-panel p-1 text-sm text-text shadow-lg">
        <Menu aria-label="Download" className="outline-none">
          {(
            [
              ["CSV", () => save(`${name}.csv`, "text/csv", csvOf(rows()))],
              ["JSON", () => save(`${name}.json`, "application/json", JSON.stringify(json(), null, 2))],
              ["PDF (by the print dialog)", () => window.print()],
            ] as const
          ).map(([label, run]) => (
            <MenuItem
              key={label}
              className="cursor-pointer rounded px-3 py-2 outline-none data-[focused]:bg-sunk"
              onAction={run}
            >
              {label}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
