import { html } from "hono/html";
import type { Drawing, Paint, Palette } from "./drawing.ts";

/** A drawing as a text of SVG, for mails and PDFs. */

/** Colours that differ on white and in print, also for people who are blind to red or green (Okabe and Ito). */
export const printed: Palette = {
  ink: "#1f2328",
  soft: "#57606a",
  faint: "#d0d7de",
  sunk: "#eef0f4",
  ground: "#ffffff",
  accent: "#4338ca",
  good: "#12813f",
  warn: "#b58900",
  bad: "#c4213a",
  info: "#1a73c2",
  quiet: "#6e7785",
  series0: "#0072B2",
  series1: "#D55E00",
  series2: "#009E73",
  series3: "#CC79A7",
  series4: "#E69F00",
  series5: "#56B4E9",
};

/** `series0` where the ground is dark, on which it would be lost; the others show on both. */
export const firstInTheDark = "#4aa3dd";

const FONT = "Roboto, Helvetica, Arial, sans-serif";

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const colour = (paint: Paint | "none"): string => (paint === "none" ? paint : printed[paint]);

/** Signs that the font of a PDF lacks, as lines about the middle of a letter. */
const drawnSigns: Readonly<Record<string, string>> = {
  "✓": "M-4,0L-1,3L4,-4",
  "✕": "M-3,-3L3,3M3,-3L-3,3",
  "↻": "M3,-2A4,4 0 1 0 4,1M4,-5V-2H1",
  "▲": "M0,-3L3,3H-3Z",
};
/** How far the middle of a letter is above the line that it stands on, in pixels. */
const MIDDLE = 4;

/** @param says in a sentence what it shows */
export function svgText({ width, height, shapes }: Drawing, says: string): string {
  const parts = shapes.map(({ tag, fill, stroke, at, text }) => {
    const paints = [
      ...(fill === undefined ? [] : [["fill", colour(fill)] as const]),
      ...(stroke === undefined ? [] : [["stroke", colour(stroke)] as const]),
    ];
    const drawn = tag === "text" ? drawnSigns[text ?? ""] : undefined;
    if (drawn !== undefined && fill !== undefined)
      return html`<path d="${drawn}" transform="translate(${at.x},${Number(at.y) - MIDDLE})" fill="none" stroke="${colour(fill)}" stroke-width="1.6"/>`;
    const attributes = [...Object.entries(at), ...paints].map(([name, value]) => html` ${kebab(name)}="${value}"`);
    // The names of elements come from the type, and stand in the template as they are.
    if (tag === "line") return html`<line${attributes}/>`;
    if (tag === "path") return html`<path${attributes}/>`;
    if (tag === "rect") return html`<rect${attributes}/>`;
    if (tag === "circle") return html`<circle${attributes}/>`;
    return html`<text${attributes}>${text ?? ""}</text>`;
  });
  return String(
    html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${says}" font-family="${FONT}" font-size="11">${parts}</svg>`,
  );
}
