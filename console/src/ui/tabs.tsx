import type { ReactNode } from "react";
import { Tabs as AriaTabs, RouterProvider, Tab, TabList, TabPanel } from "react-aria-components";
import { useLocation, useRouter } from "wouter";
import { useHere } from "../url.ts";

const none: readonly string[] = [];

/** Views of one thing. Each tab is a link, since which one is open is in the URL. */
export function Tabs({
  label,
  tabs,
  selected,
  member = "tab",
  drops = none,
}: {
  label: string;
  tabs: readonly { readonly id: string; readonly name: string; readonly body: () => ReactNode }[];
  selected: string;
  /** Of the URL, that says which one is open. */
  member?: string;
  /** Members of the URL that belong to a single tab. */
  drops?: readonly string[];
}) {
  const here = useHere();
  const [, navigate] = useLocation();
  const { base } = useRouter();
  const without = Object.fromEntries(drops.map((name) => [name, undefined]));
  return (
    <RouterProvider navigate={(path) => navigate(path)} useHref={(path) => `${base}${path}`}>
      <AriaTabs selectedKey={selected}>
        <TabList aria-label={label} className="flex flex-wrap gap-1 border-b border-line">
          {tabs.map(({ id, name }) => (
            <Tab
              key={id}
              id={id}
              href={here({ ...without, [member]: id })}
              className="cursor-pointer border-b-2 border-transparent px-3 py-2 text-sm font-medium text-muted no-underline selected:border-accent selected:text-text data-[selected]:border-accent data-[selected]:text-text"
            >
              {name}
            </Tab>
          ))}
        </TabList>
        {tabs.map(({ id, body }) => (
          <TabPanel key={id} id={id} className="pt-4 not-focus-visible:outline-none">
            {selected === id ? body() : null}
          </TabPanel>
        ))}
      </AriaTabs>
    </RouterProvider>
  );
}
