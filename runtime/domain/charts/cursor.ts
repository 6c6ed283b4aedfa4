import type { Mark } from "./drawing.ts";

/** The keyboard's way over the marks of a chart. */

const PAGE = 10;

/**
 * The mark that a key leads to; undefined for a key that leads nowhere. Left and right go one by one in the order of the marks, up and
 * down to the nearest mark above and below, and one by one where there is none.
 * @param at index of the mark where the cursor is; -1 before the first
 */
export function nextMark(marks: readonly Mark[], at: number, key: string): number | undefined {
  if (marks.length === 0) return undefined;
  const last = marks.length - 1;
  const within = (index: number) => Math.max(0, Math.min(last, index));
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (key === "ArrowRight") return at < 0 ? 0 : within(at + 1);
  if (key === "ArrowLeft") return at < 0 ? last : within(at - 1);
  if (key === "PageDown") return within(at + PAGE);
  if (key === "PageUp") return within(at - PAGE);
  if (key !== "ArrowUp" && key !== "ArrowDown") return undefined;
  const here = marks[at];
  if (here === undefined) return key === "ArrowDown" ? 0 : last;
  const sign = key === "ArrowDown" ? 1 : -1;
  const middle = ({ x, width }: Mark) => x + width / 2;
  let found: number | undefined;
  let nearest = Number.POSITIVE_INFINITY;
  marks.forEach((mark, index) => {
    const down = (mark.y - here.y) * sign;
    const distance = down * 4 + Math.abs(middle(mark) - middle(here));
    if (down > 1 && distance < nearest) {
      found = index;
      nearest = distance;
    }
  });
  return found ?? within(at + sign);
}
