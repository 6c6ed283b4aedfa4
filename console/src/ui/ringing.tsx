import { DAY_MS } from "../../../runtime/domain/time.ts";
import { time } from "../format.ts";

/** A stretch of time in which something rang. */
export interface Rung {
  readonly fired_at: string;
  /** Null where it has not ended. */
  readonly resolved_at: string | null;
  readonly severity: string;
}

const WIDTH = 600;
const HEIGHT = 44;
const BASE = 28;
const LABELS = 5;

/** When a rule would have rung, on a line of time: wide enough to be seen however short it was. */
export function Ringing({
  rung,
  from,
  to,
  zone,
  says,
}: {
  rung: readonly Rung[];
  from: string;
  to: string;
  zone: string | undefined;
  says: string;
}) {
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const x = (at: number) => ((at - begin) / (end - begin)) * WIDTH;
  const days = Array.from({ length: Math.max(0, Math.ceil((end - begin) / DAY_MS)) }, (_, at) => begin + at * DAY_MS);
  const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: zone ?? "UTC" });
  return (
    <figure className="m-0">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} className="h-auto w-full" role="img" aria-label={says}>
        <line x1="0" x2={WIDTH} y1={BASE} y2={BASE} stroke="var(--edge)" />
        {days.map((at) => (
          <line key={at} x1={x(at)} x2={x(at)} y1={BASE} y2={BASE + 4} stroke="var(--edge)" />
        ))}
        {rung.map(({ fired_at, resolved_at, severity }) => {
          const start = x(Date.parse(fired_at));
          const until = resolved_at === null ? WIDTH : x(Date.parse(resolved_at));
          return (
            <rect
              key={fired_at}
              x={start}
              width={Math.max(2, until - start)}
              y={severity === "critical" ? 4 : severity === "warning" ? 10 : 16}
              height={BASE - (severity === "critical" ? 4 : severity === "warning" ? 10 : 16)}
              fill={severity === "critical" ? "var(--bad)" : severity === "warning" ? "var(--warn)" : "var(--info)"}
            >
              <title>{time(fired_at, zone)}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption className="flex justify-between text-xs text-muted">
        {Array.from({ length: LABELS }, (_, at) => begin + ((end - begin) * at) / (LABELS - 1)).map((at) => (
          <span key={at}>{day.format(at)}</span>
        ))}
      </figcaption>
    </figure>
  );
}
