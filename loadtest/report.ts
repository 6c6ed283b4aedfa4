import type { Figure } from "./agreement.ts";
import type { Ledger } from "./ledger.ts";
import type { Sample } from "./sampler.ts";

/** The result of a load run as data, and as one self-contained HTML page with charts. */

export interface Series {
  readonly name: string;
  /** [seconds since the start, value]. */
  readonly points: readonly (readonly [number, number])[];
}

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly series: readonly Series[];
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadReport {
  readonly suite: string;
  readonly says: string;
  readonly generator: string;
  readonly machine: string;
  readonly started_at: string;
  readonly seconds: number;
  readonly accepted_per_second: number;
  readonly delivered_per_second: number;
  readonly accept_ms: Percentiles;
  readonly end_to_end_ms: Percentiles;
  readonly refused: number;
  readonly failed: number;
  readonly dropped: number;
  /** CPU microseconds an accepted event, by thread. */
  readonly cpu_us_per_event: Readonly<Record<string, number>>;
  readonly ledger: Ledger;
  /** What the platform's own numbers say, beside the ledger. */
  readonly numbers: readonly Figure[];
  readonly verdict: "held" | "missed" | "void";
  readonly findings: readonly string[];
  readonly charts: readonly Chart[];
}

/** CPU share (1 = one core) of each thread over time, and memory, from the samples of a run. */
export function usageCharts(samples: readonly Sample[]): Chart[] {
  const first = samples[0];
  if (first === undefined || Object.keys(first.cpu).length === 0) return [];
  const names = [...new Set(samples.flatMap((sample) => Object.keys(sample.cpu)))];
  const cpu = names.map((name) => ({
    name,
    points: samples.slice(1).map((sample, i) => {
      const before = samples[i]!;
      const elapsed = (sample.at - before.at) / 1_000;
      return [
        (sample.at - first.at) / 1_000,
        Math.max(0, ((sample.cpu[name] ?? 0) - (before.cpu[name] ?? 0)) / Math.max(elapsed, 0.001)),
      ] as const;
    }),
  }));
  const busy = cpu.filter(({ points }) => points.some(([, share]) => share > 0.05));
  const processes = [...new Set(samples.flatMap((sample) => Object.keys(sample.memory)))];
  const memory = processes.map((name) => ({
    name,
    points: samples.map((sample) => [(sample.at - first.at) / 1_000, (sample.memory[name] ?? 0) / 2 ** 20] as const),
  }));
  return [
    { title: "CPU by thread", unit: "cores", series: busy },
    { title: "Memory", unit: "MiB", series: memory },
  ];
}

/** CPU microseconds an event between the first and the last sample, by thread; threads under 0.1 are left out. */
export function cpuPerEvent(samples: readonly Sample[], events: number): Record<string, number> {
  const first = samples[0];
  if (first === undefined || events === 0) return {};
  // What a thread or process had used when it was last seen: k6 has ended before the last sample.
  const last: Record<string, number> = Object.assign({}, ...samples.map(({ cpu }) => cpu));
  const rows = Object.entries(last).map(([name, seconds]): [string, number] => [
    name,
    ((seconds - (first.cpu[name] ?? 0)) * 1e6) / events,
  ]);
  return Object.fromEntries(rows.filter(([, us]) => us >= 0.1).sort(([, a], [, b]) => b - a));
}

const html = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);
const COLOURS = ["#2563eb", "#dc2626", "#16a34a", "#9333ea", "#ea580c", "#0891b2", "#4b5563", "#ca8a04"];
const WIDTH = 760;
const HEIGHT = 220;
const LEFT = 60;
const BOTTOM = 24;

const round = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3).replace(/\.?0+$/, "");

/** One chart as SVG with its axes, its legend and its unit. */
function chartSvg({ title, unit, series }: Chart): string {
  const all = series.flatMap(({ points }) => points);
  const maxX = Math.max(1, ...all.map(([x]) => x));
  const maxY = Math.max(1e-9, ...all.map(([, y]) => y)) * 1.05;
  const x = (value: number) => LEFT + (value / maxX) * (WIDTH - LEFT - 10);
  const y = (value: number) => HEIGHT - BOTTOM - (value / maxY) * (HEIGHT - BOTTOM - 10);
  const grid = [0, 0.25, 0.5, 0.75, 1]
    .map((share) => {
      const at = y(maxY * share);
      return `<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${at}" y2="${at}" stroke="#e5e7eb"/><text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${round(maxY * share)}</text>`;
    })
    .join("");
  const lines = series
    .map(
      ({ points }, i) =>
        `<polyline fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="1.5" points="${points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ")}"/>`,
    )
    .join("");
  const legend = series
    .map(({ name }, i) => `<span><i style="background:${COLOURS[i % COLOURS.length]}"></i>${html(name)}</span>`)
    .join(" ");
  return `<figure><figcaption>${html(title)} <small>(${html(unit)})</small></figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${html(title)}">${grid}${lines}<text x="${WIDTH - 10}" y="${HEIGHT - 6}" text-anchor="end">${round(maxX)} s</text></svg><p class="legend">${legend}</p></figure>`;
}

const row = (cells: readonly string[]): string => `<tr>${cells.map((cell) => `<td>${html(cell)}</td>`).join("")}</tr>`;

/** The page that `npm run load` writes beside the JSON. */
export function reportHtml(report: LoadReport): string {
  const { ledger } = report;
  const figures: [string, string][] = [
    ["Accepted", `${round(report.accepted_per_second)} events/s over ${round(report.seconds)} s`],
    ["Delivered", `${round(report.delivered_per_second)} events/s`],
    [
      "POST /events",
      `p50 ${round(report.accept_ms.p50)} ms, p95 ${round(report.accept_ms.p95)} ms, p99 ${round(report.accept_ms.p99)} ms, max ${round(report.accept_ms.max)} ms`,
    ],
    [
      "End to end",
      `p50 ${round(report.end_to_end_ms.p50)} ms, p95 ${round(report.end_to_end_ms.p95)} ms, p99 ${round(report.end_to_end_ms.p99)} ms, max ${round(report.end_to_end_ms.max)} ms`,
    ],
    ["Refused / failed / dropped requests", `${report.refused} / ${report.failed} / ${report.dropped}`],
    [
      "Ledger",
      `${ledger.accepted} accepted = ${ledger.delivered} delivered + ${ledger.pending} pending + ${ledger.dead_lettered} dead-lettered, ${ledger.lost} lost, ${ledger.duplicates} duplicates; missing in store ${ledger.missing_in_store} of ${ledger.asked_in_store}, in archive ${ledger.missing_in_archive ?? "not read"}`,
    ],
  ];
  const cpu = Object.entries(report.cpu_us_per_event).map(([name, us]) => row([name, round(us)]));
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Load run: ${html(report.suite)}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:820px;margin:2rem auto;padding:0 1rem;color:#111}table{border-collapse:collapse;margin:1rem 0}td{border-bottom:1px solid #e5e7eb;padding:.25rem .75rem .25rem 0;vertical-align:top}svg{width:100%;font:11px system-ui;fill:#4b5563}figure{margin:1.5rem 0}.legend span{margin-right:1em}.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.3em}.verdict{font-weight:600}</style>
<h1>${html(report.suite)}</h1><p>${html(report.says)}. ${html(report.generator)} on ${html(report.machine)}, ${html(report.started_at)}.</p>
<p class="verdict">Verdict: ${report.verdict}${report.findings.length === 0 ? "" : `: ${html(report.findings.join("; "))}`}</p>
<table>${figures.map((cells) => row(cells)).join("")}</table>
${report.charts.map(chartSvg).join("\n")}
${cpu.length === 0 ? "" : `<h2>CPU an event (microseconds), by thread</h2><table>${cpu.join("")}</table>`}
</html>
`;
}

/** The closing lines on the console. */
export function reportText(report: LoadReport): string {
  const p = ({ p50, p95, p99 }: Percentiles) => `p50 ${round(p50)}  p95 ${round(p95)}  p99 ${round(p99)} ms`;
  const { ledger } = report;
  return [
    `${report.suite}: ${report.verdict}${report.findings.length === 0 ? "" : ` (${report.findings.join("; ")})`}`,
    `  accepted    ${round(report.accepted_per_second)} events/s for ${round(report.seconds)} s; delivered ${round(report.delivered_per_second)} events/s`,
    `  POST        ${p(report.accept_ms)}`,
    `  end to end  ${p(report.end_to_end_ms)}`,
    `  requests    ${report.refused} refused, ${report.failed} failed, ${report.dropped} dropped`,
    `  ledger      ${ledger.accepted} accepted = ${ledger.delivered} delivered + ${ledger.pending} pending + ${ledger.dead_lettered} dead-lettered; ${ledger.lost} lost, ${ledger.duplicates} duplicates; missing: store ${ledger.missing_in_store} of ${ledger.asked_in_store}, archive ${ledger.missing_in_archive ?? "not read"}`,
    `  CPU/event   ${Object.entries(report.cpu_us_per_event)
      .slice(0, 10)
      .map(([name, us]) => `${name} ${round(us)}`)
      .join(", ")} µs`,
  ].join("\n");
}
