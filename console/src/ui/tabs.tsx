import type { ReactNode } from "react";
import { Tabs as AriaTabs, Tab, TabList, TabPanel } from "react-aria-components";

/** Views of one thing; which one is in the URL. */
export function Tabs({
  label,
  tabs,
  selected,
  select,
}: {
  label: string;
  tabs: readonly { readonly id: string; readonly name: string; readonly body: () => ReactNode }[];
  selected: string;
  select: (id: string) => void;
}) {
  return (
    <AriaTabs selectedKey={selected} onSelectionChange={(key) => select(String(key))}>
      <TabList aria-label={label} className="flex flex-wrap gap-1 border-b border-line">
        {tabs.map(({ id, name }) => (
          <Tab
            key={id}
            id={id}
            className="cursor-pointer border-b-2 border-transparent px-3 py-2 text-sm font-medium text-muted selected:border-accent selected:text-text data-[selected]:border-accent data-[selected]:text-text"
          >
            {name}
          </Tab>
        ))}
      </TabList>
      {tabs.map(({ id, body }) => (
        <TabPanel key={id} id={id} className="pt-4">
          {selected === id ? body() : null}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}
