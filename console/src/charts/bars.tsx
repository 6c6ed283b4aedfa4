import type { ReactNode } from "react";
import { Table } from "../ui/table.tsx";

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Its bucket is still filling. */
  readonly partial?: boolean;
}

const WIDTH = 600;
const HEIGHT = 140;

/** What the eye smooths: the mean of a bar and those around it. */
function movingAverage(values: readonly number[], reach = 2): number[] {
  return values.map((_, at) => {
    const near = values.slice(Math.max(0, at - reach), at + reach + 1);
    return near.reduce((sum, value) => sum + value, 0) / near.length;
  });
}

/** Bars over time, in one drawing that needs nobody's screen: a function of data. Its sentence and its table say the same. */
export function Bars({
  title,
  bars,
  format,
  average = false,
  as,
}: {
  title: string;
  bars: readonly Bar[];
  format: (value: number) => string;
  average?: boolean;
  as: "chart" | "table";
}): ReactNode {
  if (as === "table")
    return (
      <Table
        caption={title}
        rows={bars}
        rowKey={({ name }) => name}
        columns={[
          { name: "When", cell: ({ name, partial }) => (partial ? `${name} (still filling)` : name) },
          { name: title, cell: ({ value }) => format(value) },
        ]}
      />
    );
  const most = Math.max(...bars.map(({ value }) => value), 0);
  const step = WIDTH / Math.max(1, bars.length);
  const y = (value: number) => (most === 0 ? HEIGHT : HEIGHT - (value / most) * (HEIGHT - 4));
  const busiest = bars.find(({ value }) => value === most);
  const sentence =
    most === 0
      ? `${title}: nothing in this range.`
      : `${title}: ${format(bars.reduce((sum, { value }) => sum + value, 0))} in all; most in ${busiest?.name}, ${format(most)}.`;
  const line = movingAverage(bars.map(({ value }) => value))
    .map((value, at) => `${at === 0 ? "M" : "L"}${(at + 0.5) * step},${y(value)}`)
    .join(" ");
  return (
    <figure className="m-0">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        className="h-36 w-full"
        preserveAspectRatio="none"
        role="img"
        aria-label={sentence}
      >
        <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} stroke="var(--edge)" />
        {bars.map(({ name, value, partial }, at) => (
          <rect
            key={name}
            x={at * step + step * 0.1}
            width={step * 0.8}
            y={y(value)}
            height={HEIGHT - y(value)}
            fill="var(--accent)"
            opacity={partial ? 0.5 : 1}
          >
            <title>{`${name}: ${format(value)}`}</title>
          </rect>
        ))}
        {average && most > 0 ? (
          <path d={line} fill="none" stroke="var(--warn)" strokeWidth="2" vectorEffect="non-scaling-stroke" />
        ) : null}
      </svg>
      <figcaption className="mt-1 flex justify-between text-xs text-muted">
        <span>{bars.at(0)?.name}</span>
        <span>most: {format(most)}</span>
        <span>{bars.at(-1)?.name}</span>
      </figcaption>
    </figure>
  );
}
