import { type KeyboardEvent, type PointerEvent, type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { nextMark } from "../../../runtime/domain/charts/cursor.ts";
import type { Drawing, Paint } from "../../../runtime/domain/charts/drawing.ts";
import { useDashboard } from "../dashboard.ts";
import { rowText, shownCell, type Told, useShows } from "../told.tsx";
import { ToldTable } from "../ui/toldTable.tsx";
import { ViewMenu } from "../ui/viewMenu.tsx";
import { colourOf, Picture } from "./screen.tsx";

/** The width that an element has, as it changes. */
function useWidth(initial: number) {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(initial);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = () => setWidth(Math.max(120, Math.floor(element.clientWidth)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width] as const;
}

export interface LegendEntry {
  readonly name: string;
  readonly paint: Paint;
  readonly value?: string;
  /** Another mark than a colour. */
  readonly sign?: string;
  /** It is a line, dashed like this. */
  readonly dash?: string;
  readonly pick?: (() => void) | undefined;
}

/** A line about each series; a press filters by it. */
export function Legend({ entries }: { entries: readonly LegendEntry[] }) {
  return (
    <ul className="flex flex-wrap gap-x-4 gap-y-1 text-sm">
      {entries.map(({ name, paint, value, sign, dash, pick }) => {
        const body = (
          <>
            <svg
              width={dash === undefined ? 14 : 24}
              height="14"
              aria-hidden="true"
              className="inline-block shrink-0 align-[-2px]"
            >
              {dash === undefined ? (
                <rect width="14" height="14" rx="3" fill={colourOf(paint)} />
              ) : (
                <line y1="7" y2="7" x2="24" stroke={colourOf(paint)} strokeWidth="2.5" strokeDasharray={dash} />
              )}
              {sign === undefined ? null : (
                <text x="7" y="11" fontSize="10" fontWeight="600" textAnchor="middle" fill={colourOf("ground")}>
                  {sign}
                </text>
              )}
            </svg>{" "}
            <span className="break-all">{name}</span>
            {value === undefined ? null : <strong className="font-semibold"> {value}</strong>}
          </>
        );
        return (
          <li key={name} className="min-w-0">
            {pick === undefined ? (
              body
            ) : (
              <button type="button" className="min-h-6 cursor-pointer text-left hover:underline" onClick={pick}>
                {body}
              </button>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/**
 * A chart with all that belongs to one: its sentence, its table, a cursor for keys and pointers, and files to take along. The drawing is a
 * function of the width, and the same that mails and PDFs show.
 */
export function Chart({
  title,
  sentence,
  told,
  draw,
  pick,
  picks,
  widest,
  children,
}: {
  title: string;
  sentence: string;
  /** Each mark of the drawing names the row that tells it. */
  told: Told;
  /** @param printed on paper, where nothing stands beside it: it names its colours itself */
  draw: (width: number, printed: boolean) => Drawing;
  /** What a click, or Enter on the cursor, does with a row. */
  pick?: ((row: number) => void) | undefined;
  /** What that is, in words: `Enter shows these events`. */
  picks?: string;
  /** Pixels; what belongs to the chart stands beside it then. */
  widest?: number;
  children?: ReactNode;
}) {
  const { asTable } = useDashboard();
  const [own, setOwn] = useState<boolean>();
  const [ref, width] = useWidth(600);
  const table = own ?? asTable;
  const drawing = draw(width, false);
  const picture = async (wide: number) =>
    (await import("../../../runtime/domain/charts/svgText.ts")).svgText(draw(wide, true), sentence);
  const view = { title, sentence, told, picture };
  useShows(view);
  return (
    <figure className="relative m-0 grid min-w-0 gap-2">
      <div className="absolute -top-9 right-0 print:hidden">
        <ViewMenu view={view} table={table} setTable={setOwn} />
      </div>
      <div className={widest === undefined || table ? "grid gap-2" : "flex flex-wrap items-center gap-x-6 gap-y-2"}>
        <div ref={ref} className="w-full min-w-0" style={widest === undefined || table ? {} : { maxWidth: widest }}>
          {table ? (
            <ToldTable caption={title} told={told} />
          ) : (
            <Cursor title={title} drawing={drawing} told={told} pick={pick} picks={picks}>
              <Picture drawing={drawing} says={sentence} />
            </Cursor>
          )}
        </div>
        <div className="grid min-w-0 flex-[1_1_10rem] gap-2">{children}</div>
      </div>
      <figcaption className="text-sm text-muted">{sentence}</figcaption>
    </figure>
  );
}

/** Lies over a drawing: says what is below it, by pointer and by arrow keys alike. */
function Cursor({
  title,
  drawing,
  told,
  pick,
  picks,
  children,
}: {
  title: string;
  drawing: Drawing;
  told: Told;
  pick: ((row: number) => void) | undefined;
  picks: string | undefined;
  children: ReactNode;
}) {
  const { marks, width } = drawing;
  const [at, setAt] = useState(-1);
  const mark = marks[at];
  const row = mark === undefined ? undefined : told.rows[mark.row];
  const move = (event: PointerEvent) => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    setAt(marks.findIndex((each) => x >= each.x && x < each.x + each.width && y >= each.y && y < each.y + each.height));
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && mark !== undefined && pick !== undefined) pick(mark.row);
    else if (event.key === "Escape" && at >= 0) setAt(-1);
    else {
      const next = nextMark(marks, at, event.key);
      if (next === undefined) return;
      setAt(next);
    }
    event.preventDefault();
    event.stopPropagation();
  };
  if (marks.length === 0) return children;
  const beside = mark === undefined ? 0 : mark.x + mark.width / 2;
  return (
    <div
      role="slider"
      tabIndex={0}
      aria-label={`${title}: value by value`}
      aria-valuemin={1}
      aria-valuemax={marks.length}
      aria-valuenow={Math.max(1, at + 1)}
      aria-valuetext={row === undefined ? `${marks.length} values; arrow keys go through them` : rowText(told, row)}
      aria-orientation="horizontal"
      className={`relative ${pick === undefined || row === undefined ? "" : "cursor-pointer"}`}
      onPointerMove={move}
      onPointerLeave={() => setAt(-1)}
      onBlur={() => setAt(-1)}
      onKeyDown={press}
      onClick={() => {
        if (mark !== undefined) pick?.(mark.row);
      }}
    >
      {children}
      {mark === undefined || row === undefined ? null : (
        <>
          <div
            aria-hidden="true"
            className="pointer-events-none absolute rounded-sm border border-accent bg-accent/10"
            style={{ left: mark.x, top: mark.y, width: mark.width, height: mark.height }}
          />
          <div
            aria-hidden="true"
            className="pointer-events-none absolute z-10 max-w-64 min-w-36 rounded-md border border-line bg-panel px-2 py-1.5 text-xs shadow-lg"
            style={{
              top: Math.max(0, mark.y - 4),
              ...(beside > width / 2 ? { right: width - mark.x + 6, left: "auto" } : { left: mark.x + mark.width + 6 }),
            }}
          >
            <p className="font-semibold break-words">{shownCell(told, row, 0)}</p>
            {told.columns.slice(1).map(({ name }, place) => (
              <p key={name} className="flex justify-between gap-3">
                <span className="text-muted">{name}</span>
                <span className="font-medium">{shownCell(told, row, place + 1)}</span>
              </p>
            ))}
            {picks === undefined ? null : <p className="mt-1 text-muted">{picks}</p>}
          </div>
        </>
      )}
    </div>
  );
}
