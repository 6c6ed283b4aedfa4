import { arc } from "d3-shape";
import { type Drawing, line, type Paint, rect, type Shape, text } from "./drawing.ts";

/** Shares of a whole: a ring, and a gauge of one share. */

export interface Part {
  readonly name: string;
  readonly value: number;
  readonly paint: Paint;
  /** Stands on it, for those who tell no colours apart. */
  readonly sign: string;
}

const TURN = 2 * Math.PI;
/** A sign needs so much of the ring to stand on it. */
const SIGNED = 0.05;

/** @param says what stands in the middle: the whole, and what it is a whole of */
export function drawRing(parts: readonly Part[], side: number, says: readonly [string, string]): Drawing {
  const whole = parts.reduce((sum, { value }) => sum + value, 0);
  const [outer, middle] = [side / 2 - 2, side / 2];
  const inner = outer * 0.64;
  const shapes: Shape[] = [];
  const marks: Drawing["marks"][number][] = [];
  const ring = arc<{ startAngle: number; endAngle: number }>().innerRadius(inner).outerRadius(outer);
  const moved = (d: string) => ({ d, transform: `translate(${middle},${middle})` });
  shapes.push({ tag: "path", fill: "sunk", at: moved(ring({ startAngle: 0, endAngle: TURN }) ?? "") });
  let before = 0;
  parts.forEach(({ value, paint, sign }, row) => {
    if (value <= 0 || whole === 0) return;
    const span = { startAngle: (before / whole) * TURN, endAngle: ((before + value) / whole) * TURN };
    before += value;
    shapes.push({
      tag: "path",
      fill: paint,
      stroke: "ground",
      at: { ...moved(ring(span) ?? ""), strokeWidth: value === whole ? 0 : 1.5 },
    });
    const [x, y] = ring.centroid(span);
    if (value / whole >= SIGNED)
      shapes.push(text(middle + x, middle + y + 5, sign, { fill: "ground", anchor: "middle", size: 14, bold: true }));
    marks.push({ x: middle + x - 14, y: middle + y - 14, width: 28, height: 28, row });
  });
  shapes.push(text(middle, middle + 2, says[0], { fill: "ink", anchor: "middle", size: 20, bold: true }));
  shapes.push(text(middle, middle + 18, says[1], { anchor: "middle" }));
  return { width: side, height: side, shapes, marks };
}

const NAMED = { beside: 24, width: 180, row: 22, box: 16 } as const;

/** A ring on paper: its parts are named beside it, each with its colour and its sign. */
export function withNames(ring: Drawing, parts: readonly Pick<Part, "name" | "paint" | "sign">[]): Drawing {
  const left = ring.width + NAMED.beside;
  const top = (ring.height - parts.length * NAMED.row) / 2;
  const names = parts.flatMap(({ name, paint, sign }, at) => {
    const y = top + at * NAMED.row;
    return [
      rect({ x: left, y, width: NAMED.box, height: NAMED.box }, paint),
      text(left + NAMED.box / 2, y + 12, sign, { fill: "ground", anchor: "middle", bold: true }),
      text(left + NAMED.box + 8, y + 12, name, { fill: "ink" }),
    ];
  });
  return { ...ring, width: left + NAMED.width, shapes: [...ring.shapes, ...names] };
}

/** How good a share is. */
export interface Judged {
  readonly paint: Paint;
  readonly word: string;
}

export interface Gauge {
  /** 0 to 1; null without a base. May be above 1, which is told and drawn as full. */
  readonly value: number | null;
  /** Shares at which another judgement begins, ascending, with the paint from there on; the first begins at 0. */
  readonly zones: readonly (readonly [from: number, paint: Paint, word: string])[];
  /** What stands in the middle. */
  readonly says: string;
}

/** @returns of the zone that a share lies in; undefined for none */
export function judge({ value, zones }: Pick<Gauge, "value" | "zones">): Judged | undefined {
  if (value === null) return undefined;
  const zone = zones.findLast(([from]) => value >= from) ?? zones[0]!;
  return { paint: zone[1], word: zone[2] };
}

export function drawGauge(gauge: Gauge, width: number): Drawing {
  const { value, zones, says } = gauge;
  const outer = width / 2 - 4;
  const height = outer + 26;
  const [cx, cy] = [width / 2, outer + 4];
  const angle = (share: number) => -Math.PI / 2 + Math.min(1, Math.max(0, share)) * Math.PI;
  const band = (start: number, end: number, inner: number, rim: number) =>
    arc()({ startAngle: angle(start), endAngle: angle(end), innerRadius: inner, outerRadius: rim }) ?? "";
  const moved = (d: string, fill: Paint): Shape => ({
    tag: "path",
    fill,
    at: { d, transform: `translate(${cx},${cy})` },
  });
  const shapes: Shape[] = [moved(band(0, 1, outer * 0.7, outer * 0.93), "sunk")];
  zones.forEach(([start, paint], at) => {
    shapes.push(moved(band(start, zones[at + 1]?.[0] ?? 1, outer * 0.96, outer), paint));
  });
  const judged = judge(gauge);
  if (value !== null && judged !== undefined)
    shapes.push(moved(band(0, value, outer * 0.7, outer * 0.93), judged.paint));
  for (const [start] of zones.slice(1)) {
    const at = angle(start) - Math.PI / 2;
    const on = (radius: number): [number, number] => [cx + Math.cos(at) * radius, cy + Math.sin(at) * radius];
    shapes.push(line(on(outer * 0.66), on(outer), "ink", { width: 1 }));
  }
  shapes.push(text(cx, cy - 2, says, { fill: "ink", anchor: "middle", size: 22, bold: true }));
  const edge = (share: number) => `${Math.round(share * 100)} %`;
  shapes.push(text(cx - outer * 0.815, cy + 14, edge(0), { anchor: "middle" }));
  shapes.push(text(cx + outer * 0.815, cy + 14, edge(1), { anchor: "middle" }));
  return { width, height, shapes, marks: [{ x: 0, y: 0, width, height, row: 0 }] };
}
