import { Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { Button } from "./basic.tsx";

/** A button that asks which. */
export function Choices({
  label,
  choices,
  choose,
}: {
  label: string;
  choices: readonly (readonly [value: string, name: string])[];
  choose: (value: string) => void;
}) {
  return (
    <MenuTrigger>
      <Button>{label}</Button>
      <Popover className="z-40 rounded-md border border-line bg-panel p-1 text-sm text-text shadow-lg">
        <Menu aria-label={label} className="outline-none" onAction={(key) => choose(String(key))}>
          {choices.map(([value, name]) => (
            <MenuItem
              key={value}
              id={value}
              className="cursor-pointer rounded px-3 py-2 outline-none data-[focused]:bg-sunk"
            >
              {name}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
