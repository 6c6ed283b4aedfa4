import { createElement } from "react";
import type { Drawing, Paint, Palette } from "../../../runtime/domain/charts/drawing.ts";

/** Colours of the theme, whichever it is. */
const screen: Palette = {
  ink: "var(--text)",
  soft: "var(--muted)",
  faint: "var(--line)",
  sunk: "var(--sunk)",
  ground: "var(--panel)",
  accent: "var(--accent)",
  good: "var(--mark-good)",
  warn: "var(--mark-warn)",
  bad: "var(--mark-bad)",
  info: "var(--mark-info)",
  quiet: "var(--mark-quiet)",
  series0: "var(--series-0)",
  series1: "var(--series-1)",
  series2: "var(--series-2)",
  series3: "var(--series-3)",
  series4: "var(--series-4)",
  series5: "var(--series-5)",
};

export const colourOf = (paint: Paint | "none"): string => (paint === "none" ? paint : screen[paint]);

/** A drawing on the screen. @param says in a sentence what it shows */
export function Picture({ drawing, says }: { drawing: Drawing; says: string }) {
  const { width, height, shapes } = drawing;
  return (
    <svg
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      className="block max-w-full"
      role="img"
      aria-label={says}
      fontSize="11"
    >
      {shapes.map(({ tag, fill, stroke, at, text }, place) =>
        createElement(
          tag,
          {
            key: place,
            ...at,
            ...(fill === undefined ? {} : { fill: colourOf(fill) }),
            ...(stroke === undefined ? {} : { stroke: colourOf(stroke) }),
          },
          text,
        ),
      )}
    </svg>
  );
}
