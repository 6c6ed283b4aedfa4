import type { ReactNode } from "react";
import { type Language, languages } from "../snippets.ts";
import { oneOf, useUrl } from "../url.ts";
import { Tabs } from "./tabs.tsx";

const own = { code: oneOf(languages, "curl") };

/** The same in each language that there is code for; which one is read is in the URL, and stays from place to place of a page. */
export function LanguageTabs({ label, children }: { label: string; children: (language: Language) => ReactNode }) {
  const [{ code }] = useUrl(own);
  return (
    <Tabs
      label={label}
      member="code"
      selected={code}
      tabs={languages.map((language) => ({ id: language, name: language, body: () => children(language) }))}
    />
  );
}
