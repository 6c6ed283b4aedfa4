import { useState } from "react";

/** What people write and have not sent yet: kept in the tab, so that it outlives the page and the session, but not the person. */

const DRAFT = "draft ";
const DRAFTS_OF = "drafts of";

export function dropDrafts(): void {
  for (const name of Object.keys(sessionStorage)) if (name.startsWith(DRAFT)) sessionStorage.removeItem(name);
}

/** A session that ended by itself leaves its drafts in the tab. Who signs in next may be somebody else, and sees none of them. */
export function dropDraftsOfOthers(person: string): void {
  if (sessionStorage.getItem(DRAFTS_OF) !== person) dropDrafts();
  sessionStorage.setItem(DRAFTS_OF, person);
}

/** Lays a text down for the page that opens its draft next. */
export const layDraft = (name: string, text: string): void => sessionStorage.setItem(`${DRAFT}${name}`, text);

/** A text that outlives the page: kept in this tab while it is being written. */
export function useDraft(name: string, initial: string): [string, (text: string) => void, () => void] {
  const key = `${DRAFT}${name}`;
  const [text, setText] = useState(() => sessionStorage.getItem(key) ?? initial);
  const set = (next: string) => {
    setText(next);
    try {
      sessionStorage.setItem(key, next);
    } catch {
      // More than a browser keeps for a tab. An older text is not what one wrote.
      sessionStorage.removeItem(key);
    }
  };
  const drop = () => {
    sessionStorage.removeItem(key);
    setText(initial);
  };
  return [text, set, drop];
}

/** A form that outlives the page, as a draft does. */
export function useFormDraft<T extends object>(
  name: string,
  initial: T,
): [T, (changes: Partial<T>) => void, () => void] {
  const [text, setText, drop] = useDraft(name, "");
  const form = text === "" ? initial : { ...initial, ...(JSON.parse(text) as T) };
  return [form, (changes) => setText(JSON.stringify({ ...form, ...changes })), drop];
}
