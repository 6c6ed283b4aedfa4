import { useEffect, useRef } from "react";
import { useLocation } from "wouter";
import type { Place } from "../places.ts";
import { preferences } from "../preferences.ts";
import { keep } from "../url.ts";

/** Keys that work on every page; Settings lists them from here. */
export const shortcuts: readonly (readonly [keys: string, does: string])[] = [
  ["Ctrl K or ⌘ K", "Go anywhere by typing"],
  ["g, then a letter", "Go to a place; each letter stands below"],
  ["j, k", "Next and previous row of a list"],
  ["Enter", "Open the row"],
  ["x", "Choose the row"],
  ["?", "Documentation of the page one is on"],
  ["Esc", "Close what is open"],
];

const isModified = (event: KeyboardEvent): boolean => event.ctrlKey || event.metaKey || event.altKey;
/** Somebody is writing, or an input method is composing. */
const isTyping = (event: KeyboardEvent): boolean => {
  const target = event.target as HTMLElement | null;
  return (
    event.isComposing ||
    target?.closest("input, textarea, select, [contenteditable], [role=menu], [role=listbox], dialog") !== null
  );
};

const NEXT_MS = 1_500;

export function useShortcuts({
  places,
  openPalette,
  openDocs,
}: {
  places: readonly Place[];
  openPalette: () => void;
  openDocs: () => void;
}): void {
  const [, navigate] = useLocation();
  const wentAt = useRef(0);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey) {
        event.preventDefault();
        openPalette();
        return;
      }
      if (isModified(event) || isTyping(event) || !preferences().letters) return;
      if (event.key === "?") {
        openDocs();
        return;
      }
      if (event.key === "g") {
        wentAt.current = Date.now();
        return;
      }
      if (Date.now() - wentAt.current > NEXT_MS) return;
      wentAt.current = 0;
      const place = places.find(({ letter }) => letter === event.key);
      if (place !== undefined) navigate(keep(place.path));
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });
}

/** `j`, `k`, Enter and `x` over the rows of a list. */
export function useRowKeys(
  rows: readonly string[],
  acts: {
    readonly choose?: (row: string) => void;
    /** Closes what is open, or lets go what is chosen. */
    readonly close?: () => void;
  },
): void {
  /** By its name, since new rows move all others. */
  const at = useRef<string>(undefined);
  useEffect(() => {
    const place = at.current === undefined ? -1 : rows.indexOf(at.current);
    const show = (index: number) => {
      at.current = rows[Math.max(0, Math.min(index, rows.length - 1))]!;
      const row = document.querySelector<HTMLElement>(`[data-row="${CSS.escape(at.current)}"]`);
      row?.scrollIntoView({ block: "nearest" });
      (row?.querySelector<HTMLElement>("[data-opens]") ?? row?.querySelector("a"))?.focus({ preventScroll: true });
    };
    const press = (event: KeyboardEvent) => {
      if (isModified(event) || isTyping(event) || !preferences().letters || rows.length === 0) return;
      if (event.key === "j") show(place + 1);
      else if (event.key === "k") show(place - 1);
      else if (event.key === "x" && place >= 0) acts.choose?.(rows[place]!);
      else if (event.key === "Escape") acts.close?.();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });
}
