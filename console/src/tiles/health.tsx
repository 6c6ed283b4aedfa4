import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { call } from "../api.ts";
import { useShows } from "../told.tsx";
import type { PlatformStatus } from "../types.ts";
import { Tile } from "../ui/tile.tsx";
import { keep } from "../url.ts";

export interface Component {
  readonly status: string;
  readonly [figure: string]: unknown;
}
const EVERY_MS = 10_000;

/** How the platform is, looked up again and again. */
export const useStatus = () =>
  useQuery({
    queryKey: ["status"],
    queryFn: () => call<PlatformStatus>("GET", "/status"),
    refetchInterval: EVERY_MS,
  });

/** Each state in a colour, a sign and words. */
export const states: Readonly<Record<string, { readonly tone: string; readonly sign: string; readonly word: string }>> =
  {
    ok: { tone: "good", sign: "✓", word: "Healthy" },
    degraded: { tone: "warn", sign: "▲", word: "Degraded" },
    down: { tone: "bad", sign: "✕", word: "Down" },
  };

export const partNames: Readonly<Record<string, string>> = {
  api: "API",
  queue: "Queue",
  database: "Database",
  delivery: "Delivery",
};

const tones: Readonly<Record<string, string>> = {
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  bad: "bg-bad-soft text-bad",
};

export function State({ status }: { status: string }) {
  const { tone, sign, word } = states[status] ?? { tone: "warn", sign: "?", word: status };
  return (
    <span className={`inline-flex items-center gap-1 rounded px-2 py-0.5 text-sm font-semibold ${tones[tone]}`}>
      <span aria-hidden="true">{sign}</span> {word}
    </span>
  );
}

/** @param filtered whether the page is: the platform is the same for all */
export function HealthTile({ filtered = false }: { filtered?: boolean }) {
  const query = useStatus();
  const title = "Health";
  useShows(
    query.data === undefined
      ? undefined
      : {
          title,
          sentence: states[query.data.status]?.word ?? query.data.status,
          told: {
            columns: [{ name: "Part" }, { name: "State" }],
            rows: Object.entries(query.data.components).map(([name, { status }]) => [
              partNames[name] ?? name,
              states[status]?.word ?? status,
            ]),
          },
        },
  );
  return (
    <Tile
      title={title}
      asks="Does every part of the platform work?"
      of={query}
      reason={filtered ? "Not filtered: the platform is the same for all events." : undefined}
    >
      {() => (
        <div className="grid gap-2">
          <p>
            <State status={query.data!.status} />
          </p>
          <ul className="grid gap-1 text-sm">
            {Object.entries(query.data!.components).map(([name, { status }]) => (
              <li key={name} className="flex justify-between gap-2">
                <span>{partNames[name] ?? name}</span>
                <span>
                  <span aria-hidden="true">{states[status]?.sign} </span>
                  {states[status]?.word ?? status}
                </span>
              </li>
            ))}
          </ul>
          <Link href={keep("/health")} className="text-sm">
            Details and incidents
          </Link>
        </div>
      )}
    </Tile>
  );
}
