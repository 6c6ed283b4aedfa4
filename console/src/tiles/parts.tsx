import type { ReactNode } from "react";
import { count, ms, share, time } from "../format.ts";
import { latencyIn, numberIn, useMetrics } from "../metrics.ts";
import { useMay } from "../session.tsx";
import { toldFigures, useShows } from "../told.tsx";
import type { PlatformStatus } from "../types.ts";
import { Facts } from "../ui/basic.tsx";
import { useCommon, zoneOf } from "../url.ts";
import { type Component, partNames, State, states } from "./health.tsx";

/** Each part of the platform: its state, what that is judged by, and the figures themselves. */

const judged: Readonly<Record<string, string>> = {
  api: "Takes and answers requests. Degraded while something that it needs does not answer: the limits' memory, storage, secrets or the database.",
  queue:
    "Holds accepted events until they are matched. Degraded when the oldest event waits for more than a minute, or a message was given up.",
  database:
    "Holds events, deliveries and subscriptions. Its tables grow with their use; degraded when a request was throttled, down when it does not answer.",
  delivery:
    "Posts to webhooks and tries again. Degraded when the oldest post waits for more than a minute, or something was given up.",
};

const figureNames: Readonly<Record<string, string>> = {
  latency_ms: "Answers in",
  depth: "Waiting",
  oldest_message_seconds: "Oldest has waited",
  dead_letters: "Given up",
  throttles: "Throttled in the last five minutes",
};

/** A figure as it is read. */
const shown = (name: string, value: unknown): string => {
  if (typeof value !== "number") return "not known";
  if (name.endsWith("_ms")) return ms(value);
  return name.endsWith("_seconds") ? ms(value * 1_000) : count(value);
};

/** How the platform did for this customer's own requests in the last hour. */
function OwnRequests() {
  const [{ env }] = useCommon();
  const query = useMetrics(
    { measures: ["requests", "refused", "accept_latency_ms"], last: "1h", interval: "none" },
    env,
    30_000,
  );
  const totals = query.data?.totals;
  if (totals === undefined) return null;
  const [taken, refused] = [numberIn(totals, "requests"), numberIn(totals, "refused")];
  const latency = latencyIn(totals, "accept_latency_ms");
  const all = taken + refused;
  return (
    <p className="text-sm">
      Your own requests of the last hour: {count(all)}, of which {count(refused)} were refused
      {all === 0 ? "" : ` (${share(refused / all)})`}.
      {latency === undefined ? "" : ` 95 of 100 were accepted within ${ms(latency.p95)}.`}
    </p>
  );
}

function Part({ name, part, children }: { name: string; part: Component; children?: ReactNode }) {
  const { status, ...figures } = part;
  const title = partNames[name] ?? name;
  useShows({
    title,
    sentence: states[status]?.word ?? status,
    told: toldFigures([
      ["State", states[status]?.word ?? status],
      ...Object.entries(figures).map(([figure, value]) => {
        const unit = figure.endsWith("_ms") ? ", ms" : figure.endsWith("_seconds") ? ", s" : "";
        return [`${figureNames[figure] ?? figure}${unit}`, typeof value === "number" ? value : null] as const;
      }),
    ]),
  });
  return (
    <section className="card grid content-start gap-2" aria-label={title}>
      <h2 className="flex flex-wrap items-center justify-between gap-2 font-semibold">
        {title} <State status={status} />
      </h2>
      <Facts
        of={Object.entries(figures).map(([figure, value]) => [
          figureNames[figure] ?? figure.replaceAll("_", " "),
          shown(figure, value),
        ])}
      />
      {children}
      <p className="text-xs text-muted">{judged[name]}</p>
    </section>
  );
}

const words: Readonly<Record<string, string>> = {
  ok: "Everything works.",
  degraded: "Something is slower than it should be. Nothing that was accepted is lost.",
  down: "A part does not answer. Accepted events are kept, and delivered when it does.",
};
const tones: Readonly<Record<string, string>> = {
  ok: "bg-good-soft text-good",
  degraded: "bg-warn-soft text-warn",
  down: "bg-bad-soft text-bad",
};

export function Parts({ answer, at }: { answer: PlatformStatus; at: number }) {
  const [state] = useCommon();
  const may = useMay();
  const checked = answer.checked_at ?? new Date(at).toISOString();
  return (
    <>
      <div className={`rounded-md p-3 text-sm ${tones[answer.status] ?? tones.degraded}`}>
        <p className="text-base font-semibold">
          <span aria-hidden="true">{states[answer.status]?.sign} </span>
          {words[answer.status] ?? answer.status}
        </p>
        As of {time(checked, zoneOf(state))}; looked at again every ten seconds.
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        {Object.entries(answer.components).map(([name, part]) => (
          <Part key={name} name={name} part={part}>
            {name === "api" && may("figures") ? <OwnRequests /> : null}
          </Part>
        ))}
      </div>
    </>
  );
}
