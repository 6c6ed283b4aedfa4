import type { ReactNode } from "react";
import { type Language, languages } from "../snippets.ts";
import { oneOf, useUrl } from "../url.ts";
import { Tabs } from "./tabs.tsx";

const own = { code: oneOf(languages, "curl") };

/** The same code in each language. The chosen language is in the URL, so that all code of a page is in that language. */
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
