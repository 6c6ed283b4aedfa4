import { useSyncExternalStore } from "react";

/** What a person sets for themselves in this browser. */
export interface Preferences {
  readonly theme: "light" | "dark" | "system";
  /** IANA name of the zone that times are shown in where the URL says none; empty for the browser's own. */
  readonly zone: string;
  /** Single letters are shortcuts. */
  readonly letters: boolean;
}

const KEY = "preferences";
const initial: Preferences = { theme: "system", zone: "", letters: true };

function read(): Preferences {
  try {
    return { ...initial, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>) };
  } catch {
    return initial;
  }
}

let current = read();
const listeners = new Set<() => void>();
const dark = window.matchMedia("(prefers-color-scheme: dark)");

export function applyTheme(): void {
  const { theme } = current;
  const is = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
  document.documentElement.dataset.theme = is;
}
dark.addEventListener("change", applyTheme);

export function setPreferences(changes: Partial<Preferences>): void {
  current = { ...current, ...changes };
  localStorage.setItem(KEY, JSON.stringify(current));
  applyTheme();
  for (const tell of listeners) tell();
}

export const preferences = (): Preferences => current;
export const usePreferences = (): Preferences =>
  useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => current,
  );
