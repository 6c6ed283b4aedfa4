import { type Drawing, path, type Shape, type Size } from "./drawing.ts";
import { linear } from "./scales.ts";

/** A spark line: without axes, beside a figure. It begins at zero; null is a gap. @param before what it was before, to compare with */
export function drawSpark(values: readonly (number | null)[], size: Size, before: readonly (number | null)[]): Drawing {
  const all = [...values, ...before].filter((value) => value !== null);
  const y = linear([0, Math.max(0, ...all) || 1], [size.height - 2, 2]);
  const count = Math.max(values.length, before.length);
  const x = linear([0, Math.max(1, count - 1)], [2, size.width - 2]);
  const drawn = (list: readonly (number | null)[]) =>
    list
      .map((value, at) =>
        value === null ? "" : `${list[at - 1] === null || at === 0 ? "M" : "L"}${x(at)},${y(value)}`,
      )
      .join("");
  const shapes: Shape[] = [];
  if (before.length > 0) shapes.push(path(drawn(before), { stroke: "quiet" }, { width: 1.5, dash: "2 3" }));
  if (values.length > 0) shapes.push(path(drawn(values), { stroke: "accent" }, { width: 1.5 }));
  return { ...size, shapes, marks: [] };
}
