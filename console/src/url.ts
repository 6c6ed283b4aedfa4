import { useMemo } from "react";
import { useLocation, useSearch } from "wouter";
import * as z from "zod/mini";
import { isTimeZone } from "../../runtime/domain/metrics/timeZone.ts";
import { DAY_MS, HOUR_MS } from "../../runtime/domain/time.ts";
import { usePreferences } from "./preferences.ts";

/** The state of a page is its URL: read here by a schema, changed by writing it. */

const ranges = { "1h": HOUR_MS, "24h": DAY_MS, "7d": 7 * DAY_MS, "30d": 30 * DAY_MS } as const;
export type Preset = keyof typeof ranges;
export const presets: readonly (readonly [Preset, string])[] = [
  ["1h", "1 h"],
  ["24h", "24 h"],
  ["7d", "7 d"],
  ["30d", "30 d"],
];

/** The range of a page as a preset and its name; a day where the page shows times of its own. */
export const presetOf = (range: string): readonly [Preset, string] =>
  presets.find(([value]) => value === range) ?? ["24h", "24 h"];

/** One of these values; any other counts as the fallback. */
export const oneOf = <const V extends readonly [string, ...string[]]>(values: V, fallback: V[number]) =>
  z.catch(z.enum(values), fallback as never);
/** One of these, or nothing. */
export const maybeOneOf = <const V extends readonly [string, ...string[]]>(values: V) =>
  z.catch(z.optional(z.enum(values)), undefined);
/** Any text, or nothing. */
export const anyText = z.catch(z.optional(z.string()), undefined);

/** Any number of texts; each stands in the URL by itself. */
export const manyTexts = z.catch(
  z.pipe(
    z.union([z.string(), z.array(z.string())]),
    z.transform((value) => [value].flat()),
  ),
  [] as string[],
);

const instant = z.catch(z.optional(z.iso.datetime({ offset: true })), undefined);

/** What every page's URL may hold. */
const common = {
  env: oneOf(["live", "sandbox"], "live"),
  range: oneOf(["1h", "24h", "7d", "30d", "custom"], "24h"),
  from: instant,
  to: instant,
  zone: anyText,
};

export type CommonState = z.output<z.ZodMiniObject<typeof common>>;

/** The page's state: what every page has, and its own. */
export function useUrl<S extends Record<string, z.ZodMiniType>>(own: S) {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const { zone: preferred } = usePreferences();
  const state = useMemo(() => {
    const query = new URLSearchParams(search);
    const values = Object.fromEntries(
      [...new Set(query.keys())].map((name) => [
        name,
        query.getAll(name).length > 1 ? query.getAll(name) : query.get(name),
      ]),
    );
    const state = z.object({ ...common, ...own }).parse(values) as CommonState & z.output<z.ZodMiniObject<S>>;
    return state.zone === undefined && preferred !== "" ? { ...state, zone: preferred } : state;
  }, [search, own, preferred]);
  const set = (changes: Changes, replace = true) => {
    // A page that one has just left, and that waits hidden until the next one is loaded, writes no address any more.
    if (window.location.pathname.replace(/\/$/, "") !== `/console${path}`.replace(/\/$/, "")) return;
    navigate(withQuery(path, changed(window.location.search, changes)), { replace });
  };
  return [state, set] as const;
}

const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** The zone that times are shown in: the URL's, else the reader's own. */
export const zoneOf = ({ zone }: Pick<CommonState, "zone">): string =>
  zone !== undefined && isTimeZone(zone) ? zone : own;

type Changes = Readonly<Record<string, string | readonly string[] | undefined>>;

const withQuery = (path: string, query: URLSearchParams): string => {
  const text = query.toString();
  return text === "" ? path : `${path}?${text}`;
};

function changed(search: string, changes: Changes): URLSearchParams {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const each of value === undefined || value === "" ? [] : [value].flat()) query.append(name, each);
  }
  return query;
}

/** Addresses of this page with some of its state changed: what a link opens can be opened beside, and sent to others. */
export function useHere(): (changes: Changes) => string {
  const search = useSearch();
  const [path] = useLocation();
  return (changes) => withQuery(path, changed(search, changes));
}

const none = {};
export const useCommon = () => useUrl(none);

/** What stays when one goes from page to page. */
export function keep(path: string, more: Readonly<Record<string, string>> = {}): string {
  const here = new URLSearchParams(window.location.search);
  const query = new URLSearchParams();
  for (const name of ["env", "range", "from", "to", "zone"]) {
    const value = here.get(name);
    if (value !== null) query.set(name, value);
  }
  for (const [name, value] of Object.entries(more)) query.set(name, value);
  return withQuery(path, query);
}

/** The times that a state's range stands for, `to` exclusive; a preset ends now. */
export function timesOf({ range, from, to }: CommonState, now = Date.now()): { from: string; to: string | undefined } {
  if (range === "custom" && from !== undefined) return { from, to };
  const length = ranges[range === "custom" ? "24h" : range];
  return { from: new Date(now - length).toISOString(), to: undefined };
}

/** The times of a state's range, fixed while the range is: what ends now ends when one began to look. */
export function useTimes(state: CommonState): ReturnType<typeof timesOf> {
  const { range, from, to } = state;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what else is in the state moves no time
  return useMemo(() => timesOf(state), [range, from, to]);
}
