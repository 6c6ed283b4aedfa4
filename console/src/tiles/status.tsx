import { useLocation } from "wouter";
import { drawRing, withNames } from "../../../runtime/domain/charts/shares.ts";
import { Chart, Legend } from "../charts/chart.tsx";
import type { Dashboard } from "../dashboard.ts";
import { count, share } from "../format.ts";
import { maybeIn, numberIn, reasonOf, useTile } from "../metrics.ts";
import { useMay } from "../session.tsx";
import type { Told } from "../told.tsx";
import { Empty } from "../ui/basic.tsx";
import { Tile } from "../ui/tile.tsx";
import { Way } from "../ui/way.tsx";
import { keep } from "../url.ts";
import { standing } from "./standing.ts";

/** What has become of the events of the range, by now. */

const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const RING = 200;

export function StatusTile({ board }: { board: Dashboard }) {
  const [, navigate] = useLocation();
  const may = useMay();
  const { query, ignored } = useTile(board, { measures: ["events"], interval: "none", group_by: ["status"] });
  // Events that nobody wanted have no subscription: they can be told apart by type alone.
  const nobody = useTile(board, { measures: ["unmatched"], interval: "none" });
  const title = "Delivery status";
  // A question about a workflow or a status is about deliveries.
  const narrowed = Object.keys(board.filter).some((dimension) => dimension !== "event_type");
  return (
    <Tile
      title={title}
      asks="What has become of the events of this range, by now?"
      of={query}
      reason={reasonOf(ignored)}
      width="wide"
    >
      {() => {
        const counts = new Map(
          (query.data?.series ?? []).map(({ key, totals }) => [key.status, numberIn(totals, "events")]),
        );
        const unmatched = narrowed ? 0 : (maybeIn(nobody.query.data?.totals, "unmatched") ?? 0);
        const parts = (Object.keys(standing) as (keyof typeof standing)[])
          .map((status) => ({
            status,
            ...standing[status],
            value: status === "unmatched" ? unmatched : Math.max(0, counts.get(status) ?? 0),
          }))
          .filter(({ status, value }) => (status === "unmatched" ? !narrowed : status !== "cancelled" || value > 0));
        const whole = parts.reduce((sum, { value }) => sum + value, 0);
        if (whole === 0)
          return (
            <Empty title="No event of this range has gone anywhere yet.">
              Events get a status when they come in and match a <Way to="/subscriptions">subscription</Way>.
            </Empty>
          );
        const pick = (row: number) => {
          const { status } = parts[row]!;
          if (status !== "unmatched") board.toggle("status", status);
          else if (may("events")) navigate(keep("/events", { status: "unmatched" }));
        };
        const told: Told = {
          columns: [
            { name: "Status" },
            { name: "Count", show: (value) => count(Number(value)) },
            { name: "Share", show: (value) => share(Number(value)) },
          ],
          rows: parts.map(({ word, value }) => [word, value, value / whole]),
        };
        return (
          <Chart
            title={title}
            told={told}
            sentence={`${parts.map(({ word, value }) => `${word} ${count(value)} (${share(value / whole)})`).join(", ")}. Counted are events times the subscriptions that they matched${narrowed ? "" : ", and events that matched none"}.`}
            pick={pick}
            picks="Click, or Enter: only these"
            widest={RING}
            draw={(width, printed) => {
              const named = parts.map(({ word, value, paint, sign }) => ({ name: word, value, paint, sign }));
              const ring = drawRing(named, Math.min(RING, width), [compact.format(whole), "in all"]);
              return printed ? withNames(ring, named) : ring;
            }}
          >
            <Legend
              entries={parts.map(({ status, word, value, paint, sign }, row) => ({
                name: word,
                paint,
                sign,
                value: `${count(value)} · ${share(value / whole)}`,
                pick: status === "unmatched" && !may("events") ? undefined : () => pick(row),
              }))}
            />
            {narrowed ? (
              <p className="text-sm text-muted">Unmatched events are left out: they belong to no workflow.</p>
            ) : null}
          </Chart>
        );
      }}
    </Tile>
  );
}
