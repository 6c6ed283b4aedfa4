import { type ReactNode, useId } from "react";
import { type ErrorClass, errorClasses } from "../../../runtime/domain/metrics/names.ts";
import {
  asText,
  type Dashboard,
  type Filtered,
  type Group,
  groups,
  members,
  statuses,
  useDashboard,
} from "../dashboard.ts";
import { errorWords } from "../errorWords.ts";
import { count, time } from "../format.ts";
import { keyName, type Metrics, numberIn, useMetrics, words } from "../metrics.ts";
import { ShownViews } from "../told.tsx";
import { Button, Note, Page } from "./basic.tsx";
import { DownloadShown } from "./download.tsx";

/** The frame around the tiles of a dashboard: which time, which facts, how shown; all of it in the URL. */

/** What is shown in words: for the head of a file. */
export function aboutOf({ range, times, filter, zone, env }: Dashboard): string {
  const filters = Object.entries(filter).map(
    ([dimension, values]) => `${words[dimension as Filtered]} ${(values ?? []).map(asText).join(" or ")}`,
  );
  const span =
    range.last === undefined
      ? `${time(times.from, zone)} to ${times.to === undefined ? "now" : time(times.to, zone)}`
      : `the last ${range.last}`;
  return [`${env === "live" ? "Live" : "Sandbox"}, ${span}, ${zone}`, ...filters].join("; ");
}

/** Looks again every half minute, once a person has switched that on. */
export function AutoRefresh() {
  const { every, set } = useDashboard();
  return (
    <label className="flex min-h-9 cursor-pointer items-center gap-2 px-1 text-sm" title="Looks again every 30 seconds">
      <input
        type="checkbox"
        className="size-5"
        checked={every !== false}
        onChange={(event) => set({ refresh: event.target.checked ? "30s" : undefined })}
      />
      Auto-refresh
    </label>
  );
}

export function ViewAsTable() {
  const { asTable, set } = useDashboard();
  return (
    <Button
      aria-pressed={asTable}
      className={asTable ? "bg-accent-soft" : ""}
      onPress={() => set({ view: asTable ? undefined : "table" }, false)}
    >
      View as table
    </Button>
  );
}

const groupNames: Readonly<Record<Group, string>> = {
  none: "Time only",
  event_type: "Type",
  workflow_id: "Workflow",
  status: "Status",
};

/** One filter: everything, or one value; several are shown, and taken away one by one below. */
function Choice({
  label,
  values,
  chosen,
  choose,
}: {
  label: string;
  values: readonly (readonly [value: string, name: string])[];
  chosen: readonly string[];
  choose: (value: string | undefined) => void;
}) {
  const id = useId();
  const several = "(several)";
  const unknown = chosen.filter((value) => !values.some(([known]) => known === value));
  return (
    <span className="flex items-center gap-2">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="field w-auto max-w-44"
        value={chosen.length === 0 ? "" : chosen.length === 1 ? chosen[0] : several}
        onChange={(event) => choose(event.target.value === "" ? undefined : event.target.value)}
      >
        <option value="">All</option>
        {chosen.length > 1 ? <option value={several}>{`${chosen.length} chosen`}</option> : null}
        {[...unknown.map((value) => [value, value] as const), ...values].map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}

/** @param without filters that the page answers by itself */
export function Filters({ without = [], grouped = true }: { without?: readonly Filtered[]; grouped?: boolean }) {
  const board = useDashboard();
  const { filter, by, set, toggle, range, env } = board;
  const id = useId();
  const named = (dimension: "event_type" | "workflow_id", measure: "events" | "delivered") => ({
    measures: [measure] as const,
    ...range,
    interval: "none" as const,
    group_by: [dimension],
    top: 100,
  });
  const types = useMetrics(named("event_type", "events"), env, false, !without.includes("event_type"));
  const workflows = useMetrics(named("workflow_id", "events"), env, false, !without.includes("workflow_id"));
  const optionsOf = (answer: Metrics | undefined) =>
    (answer?.series ?? [])
      .filter(({ key, totals }) => !Object.values(key).includes("(other)") && numberIn(totals, "events") > 0)
      .map((series) => [asText(Object.values(series.key)[0] ?? null), keyName(series)] as const);
  const all = [
    ["event_type", "Type", optionsOf(types.data)],
    ["workflow_id", "Workflow", optionsOf(workflows.data)],
    ["status", "Status", statuses.map((status) => [status, status.replaceAll("_", " ")] as const)],
    ["error", "Error", errorClasses.map((error) => [error, errorWords[error]] as const)],
  ] as const;
  const chips = Object.entries(filter) as [Filtered, readonly (string | null)[]][];
  return (
    <div className="grid gap-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-sm" role="group" aria-label="Filters">
        {all
          .filter(([dimension]) => !without.includes(dimension))
          .map(([dimension, label, values]) => (
            <Choice
              key={dimension}
              label={label}
              values={values}
              chosen={(filter[dimension] ?? []).map(asText)}
              choose={(value) => set({ [members[dimension]]: value }, false)}
            />
          ))}
        {grouped ? (
          <span className="flex items-center gap-2">
            <label htmlFor={id}>Group by</label>
            <select
              id={id}
              className="field w-auto"
              value={by}
              onChange={(event) => set({ by: event.target.value }, false)}
            >
              {groups
                .filter((group) => !without.includes(group as Filtered))
                .map((group) => (
                  <option key={group} value={group}>
                    {groupNames[group]}
                  </option>
                ))}
            </select>
          </span>
        ) : null}
      </div>
      {chips.length === 0 ? null : (
        <p className="flex flex-wrap items-center gap-2 text-sm">
          <span className="text-muted">Shown only:</span>
          {chips.flatMap(([dimension, values]) =>
            values.map((value) => {
              const name = `${words[dimension]}: ${dimension === "error" ? errorWords[value as ErrorClass] : asText(value)}`;
              return (
                <Button
                  key={name}
                  className="min-h-8 rounded-full px-3 py-0.5"
                  aria-label={`${name}, show all again`}
                  onPress={() =>
                    values.length === 1
                      ? toggle(dimension, value)
                      : set({ [members[dimension]]: values.filter((each) => each !== value).map(asText) }, false)
                  }
                >
                  {name} <span aria-hidden="true">✕</span>
                </Button>
              );
            }),
          )}
        </p>
      )}
    </div>
  );
}

/** Until when the shown figures are complete, and which bucket still fills. */
export function AsOf({ answer, zone }: { answer: Metrics | undefined; zone: string }) {
  if (answer === undefined) return null;
  const filling = (answer.series[0]?.points ?? []).filter(({ partial }) => partial === true).length;
  const clock = new Intl.DateTimeFormat(undefined, { timeZone: zone, timeStyle: "medium", dateStyle: "medium" });
  return (
    <p className="text-sm text-muted">
      As of {clock.format(Date.parse(answer.complete_until))}
      {filling === 0
        ? ": all of it is counted."
        : filling === 1
          ? ": counted in full until then; the last part of each chart is still filling, and drawn lighter."
          : `: counted in full until then; the last ${count(filling)} parts are still filling, and drawn lighter.`}
    </p>
  );
}

/** Beside figures of customers, which are kept by presets. */
export const PresetsOnly = () => <Note>Customers are compared over a preset: the last 24 h are shown.</Note>;

export function DashboardPage({
  title,
  name,
  answer,
  frame,
  actions,
  children,
}: {
  title: string;
  /** Of files. */
  name: string;
  /** Tells until when things are counted. */
  answer: Metrics | undefined;
  /** Range and filters, where the page has them. */
  frame: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  const board = useDashboard();
  return (
    <ShownViews>
      <Page
        title={title}
        actions={
          <>
            {actions}
            <AutoRefresh />
            <ViewAsTable />
            <DownloadShown name={name} title={title} about={aboutOf(board)} />
          </>
        }
      >
        {frame}
        <AsOf answer={answer} zone={board.zone} />
        {children}
      </Page>
    </ShownViews>
  );
}
