import { useMemo } from "react";
import { defined } from "../../runtime/domain/defined.ts";
import { type Dimension, errorClasses } from "../../runtime/domain/metrics/names.ts";
import type { Environment } from "./api.ts";
import type { LiveFigures } from "./joined.ts";
import { manyTexts, maybeOneOf, oneOf, timesOf, useUrl, zoneOf } from "./url.ts";

/** What a dashboard looks at, which is its URL: range, filters, groups, how it is shown. Each tile asks about just that. */

export const statuses = ["delivered", "pending", "failed", "dead_lettered", "cancelled"] as const;
export const groups = ["none", "event_type", "workflow_id", "status"] as const;
export type Group = (typeof groups)[number];

const own = {
  type: manyTexts,
  workflow: manyTexts,
  status: manyTexts,
  error: manyTexts,
  by: oneOf(groups, "none"),
  refresh: maybeOneOf(["30s"]),
  view: maybeOneOf(["table"]),
};

/** Members of the URL by the dimension that they filter. */
export const members = { event_type: "type", workflow_id: "workflow", status: "status", error: "error" } as const;
export type Filtered = keyof typeof members;
/** Beside what the URL says, a page may be about one subscription. */
export type Filter = Partial<Record<Dimension, readonly (string | null)[]>>;

/** Stands in a URL for what has no such value. */
const NONE = "(none)";
const asValue = (text: string): string | null => (text === NONE ? null : text);
export const asText = (value: string | null): string => value ?? NONE;

const REFRESH_MS = 30_000;

/** What the metrics are asked about. */
export interface AskedRange {
  readonly last?: string;
  readonly from?: string;
  readonly to?: string;
  readonly time_zone: string;
}

export interface Dashboard {
  readonly env: Environment;
  readonly zone: string;
  readonly range: AskedRange;
  /** The same as times, for lists; one that ends now has no end. */
  readonly times: { readonly from: string; readonly to: string | undefined };
  readonly filter: Filter;
  readonly by: Group;
  /** Milliseconds between two looks. */
  readonly every: number | false;
  readonly asTable: boolean;
  /** What a socket told last, under the same filter; only where the page follows one. */
  readonly figures?: LiveFigures;
  set: (changes: Readonly<Record<string, string | readonly string[] | undefined>>, replace?: boolean) => void;
  /** Shows only what has this value, or all again where it is the only one already. */
  toggle: (dimension: Filtered, value: string | null) => void;
}

export const isFiltered = (dimension: Dimension): dimension is Filtered => Object.hasOwn(members, dimension);

/** A filter by those chosen values that exist; no filter where none of them does. */
function among(dimension: Filtered, chosen: readonly string[], known: readonly string[]): Filter {
  const values = chosen.filter((each) => known.includes(each));
  return values.length === 0 ? {} : { [dimension]: values };
}

export function useDashboard(): Dashboard {
  const [state, set] = useUrl(own);
  const { env, range, from, to, type, workflow, status, error, by, refresh, view } = state;
  const zone = zoneOf(state);
  const key = JSON.stringify([range, from, to, type, workflow, status, error]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a range that ends now is fixed while it is looked at
  const asked = useMemo(() => {
    const times = timesOf(state);
    const filter: Filter = {
      ...(type.length === 0 ? {} : { event_type: type.map(asValue) }),
      ...(workflow.length === 0 ? {} : { workflow_id: workflow.map(asValue) }),
      ...among("status", status, statuses),
      ...among("error", error, errorClasses),
    };
    return { times, filter };
  }, [key]);
  const { times, filter } = asked;
  const custom = range === "custom";
  return {
    env,
    zone,
    range: custom
      ? { from: times.from, ...defined({ to: times.to }), time_zone: zone }
      : { last: range, time_zone: zone },
    times,
    filter,
    by,
    every: refresh === undefined ? false : REFRESH_MS,
    asTable: view === "table",
    set,
    toggle(dimension, value) {
      const member = members[dimension];
      const current = state[member];
      const only = current.length === 1 && current[0] === asText(value);
      set({ [member]: only ? undefined : [asText(value)] }, false);
    },
  };
}
