import type { ReactNode } from "react";

export interface Part {
  readonly name: string;
  readonly value: number;
  /** CSS colour by meaning, `var(--good)`. */
  readonly colour: string;
  /** A mark for those who tell no colours apart. */
  readonly mark: string;
}

const TURN = 2 * Math.PI;
const RADIUS = 40;

/** Shares of a whole as a ring, with counts and shares beside it. */
export function Ring({
  title,
  parts,
  format,
}: {
  title: string;
  parts: readonly Part[];
  format: (value: number) => string;
}): ReactNode {
  const whole = parts.reduce((sum, { value }) => sum + value, 0);
  const share = (value: number) => (whole === 0 ? 0 : value / whole);
  let before = 0;
  return (
    <div className="flex flex-wrap items-center gap-4">
      <svg
        viewBox="-50 -50 100 100"
        className="size-32"
        role="img"
        aria-label={`${title}: ${parts.map(({ name, value }) => `${name} ${format(value)}`).join(", ")}.`}
      >
        <circle r={RADIUS} fill="none" stroke="var(--sunk)" strokeWidth="16" />
        {parts.map(({ name, value, colour }) => {
          const length = share(value) * TURN * RADIUS;
          const offset = -before * TURN * RADIUS;
          before += share(value);
          return value === 0 ? null : (
            <circle
              key={name}
              r={RADIUS}
              fill="none"
              stroke={colour}
              strokeWidth="16"
              strokeDasharray={`${length} ${TURN * RADIUS}`}
              strokeDashoffset={offset}
              transform="rotate(-90)"
            />
          );
        })}
      </svg>
      <ul className="grid gap-1 text-sm">
        {parts.map(({ name, value, mark }) => (
          <li key={name}>
            <span aria-hidden="true">{mark} </span>
            {name}: <strong>{format(value)}</strong> ({(100 * share(value)).toFixed(1)} %)
          </li>
        ))}
      </ul>
    </div>
  );
}

/** One share on a half circle, in the colour of how good it is. @param from shares from which it is good, and fair */
export function Gauge({
  title,
  value,
  good,
  fair,
  rising = true,
}: {
  title: string;
  value: number | null;
  good: number;
  fair: number;
  /** More is better. */
  rising?: boolean;
}): ReactNode {
  const is = (bound: number) => value !== null && (rising ? value >= bound : value < bound);
  const [colour, word] =
    value === null
      ? ["var(--edge)", "nothing yet"]
      : is(good)
        ? ["var(--good)", "good"]
        : is(fair)
          ? ["var(--warn)", "fair"]
          : ["var(--bad)", "poor"];
  const length = Math.PI * 40;
  const shown = value === null ? "–" : `${(100 * value).toFixed(1)} %`;
  return (
    <div className="grid justify-items-center">
      <svg viewBox="0 0 100 56" className="w-40" role="img" aria-label={`${title}: ${shown}, ${word}.`}>
        <path d="M10,50 A40,40 0 0 1 90,50" fill="none" stroke="var(--sunk)" strokeWidth="10" />
        <path
          d="M10,50 A40,40 0 0 1 90,50"
          fill="none"
          stroke={colour}
          strokeWidth="10"
          strokeDasharray={`${length * Math.min(1, value ?? 0)} ${length}`}
        />
      </svg>
      <p className="text-xl font-semibold">{shown}</p>
      <p className="text-sm text-muted">{word}</p>
    </div>
  );
}
