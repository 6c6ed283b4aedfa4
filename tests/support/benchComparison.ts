/** Figures of one bench, printed by two versions in turns, as ratios: absolute times on a shared machine say little. */
import { median } from "./median.ts";

export interface Ratio {
  /** The printed line, with `#` where its figures stand, and which of them this is, from 1. */
  readonly line: string;
  readonly figure: number;
  /** Medians, in the unit that was printed. */
  readonly base: number;
  readonly head: number;
  /** Median, least and greatest of head over base, round by round. */
  readonly ratio: number;
  readonly least: number;
  readonly greatest: number;
}

const NUMBER = /(?<![\w.])\d[\d,]*(?:\.\d+)?/g;

/** Figures of an output by line: what stands between them names the line. Lines of the same words are numbered. */
function figuresOf(output: string): Map<string, number[]> {
  const lines = new Map<string, number[]>();
  const seen = new Map<string, number>();
  for (const text of output.split("\n")) {
    // Log lines of the code under test are no figures.
    if (text.startsWith("{")) continue;
    const figures = [...text.matchAll(NUMBER)].map(([digits]) => Number(digits.replaceAll(",", "")));
    if (figures.length === 0) continue;
    const words = text.replace(NUMBER, "#").replace(/\s+/g, " ").trim();
    const nth = (seen.get(words) ?? 0) + 1;
    seen.set(words, nth);
    lines.set(nth === 1 ? words : `${words} (${nth})`, figures);
  }
  return lines;
}

/**
 * @param rounds outputs of the same bench, base and head run one after the other
 * @returns every figure that both print in every round and that is not the same throughout
 */
export function ratiosOf(rounds: readonly { readonly base: string; readonly head: string }[]): Ratio[] {
  const parsed = rounds.map(({ base, head }) => ({ base: figuresOf(base), head: figuresOf(head) }));
  const [first] = parsed;
  if (first === undefined) return [];
  return [...first.head.keys()].flatMap((line) => {
    const pairs = parsed.map(({ base, head }) => ({ base: base.get(line), head: head.get(line) }));
    const count = Math.min(...pairs.map(({ base, head }) => Math.min(base?.length ?? 0, head?.length ?? 0)));
    return Array.from({ length: count }, (_, at): Ratio | undefined => {
      const base = pairs.map((pair) => pair.base![at]!);
      const head = pairs.map((pair) => pair.head![at]!);
      const steady = [...base, ...head].every((value) => value === base[0]);
      if (steady || base.some((value) => value === 0)) return undefined;
      const ratios = base.map((value, i) => head[i]! / value);
      return {
        line,
        figure: at + 1,
        base: median(base),
        head: median(head),
        ratio: median(ratios),
        least: Math.min(...ratios),
        greatest: Math.max(...ratios),
      };
    }).filter((ratio) => ratio !== undefined);
  });
}

/** A table in Markdown; what changed beyond the spread of its rounds is marked. */
export function comparisonTable(ratios: readonly Ratio[]): string {
  const shown = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 });
  const rows = ratios.map(({ line, figure, base, head, ratio, least, greatest }) => {
    const mark = least > 1.03 ? "more" : greatest < 0.97 ? "less" : "";
    return `| ${line.replaceAll("|", "·")} | ${figure} | ${shown(base)} | ${shown(head)} | ${ratio.toFixed(2)} | ${least.toFixed(2)}–${greatest.toFixed(2)} | ${mark} |`;
  });
  return ["| line | figure | base | head | ratio | spread | |", "|---|---:|---:|---:|---:|---:|---|", ...rows].join(
    "\n",
  );
}
