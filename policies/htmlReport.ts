import type { Report, RuleReport, SubjectReport } from "./report.ts";

/** Text as HTML shows it literally. */
export const literal = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[c]!);

/** Prose, in which backticks set off code. */
export const prose = (text: string): string => literal(text).replace(/`([^`]+)`/g, "<code>$1</code>");

const style = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.7rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; } h3 { font-size: 1rem; margin: 1.4rem 0 .2rem; }
table { border-collapse: collapse; width: 100%; font-size: .86rem; } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #e5e5e5; }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere; }
.passed { color: #116329; } .failed { color: #b00020; font-weight: 600; } .excepted { color: #7a4d00; }
.meta { color: #555; font-size: .86rem; margin: 0; } .totals b { font-size: 1.3rem; }
details summary { cursor: pointer; } tr, h3 { break-inside: avoid; }
@page { margin: 16mm 14mm; }
@media print {
  body { font-size: 10pt; margin: 0; max-width: none; } h2 { break-after: avoid; } h3 { break-after: avoid; }
  a { color: inherit; text-decoration: none; }
  /* Paper can't be unfolded. */
  details::details-content { content-visibility: visible; block-size: auto; } details > summary { list-style: none; }
}
`;

/** Longest value shown; the whole is in the JSON report. */
const MOST = 400;
const shorten = (text: string): string => (text.length > MOST ? `${text.slice(0, MOST)}…` : text);

function evidence({ evidence, rests_on = [] }: SubjectReport): string {
  const values = Object.entries(evidence).map(([member, value]) => {
    const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
    return `<code>${literal(member)} = ${literal(shorten(text))}</code>`;
  });
  const others = rests_on.map((other) => `<code>${literal(other)}</code>`);
  return [...values, ...(others.length === 0 ? [] : [`with ${others.join(", ")}`])].join("<br>");
}

const remark = ({ message, exception }: SubjectReport): string =>
  exception === undefined
    ? literal(message ?? "")
    : `${literal(message ?? "")}<br><b>Excepted until ${literal(exception.until)}:</b> ${literal(exception.reason)}`;

function ruleSection(rule: RuleReport): string {
  const worst = rule.subjects.some(({ outcome }) => outcome === "failed");
  const bad = rule.subjects.filter(({ outcome }) => outcome !== "passed");
  const rows = rule.subjects
    .map(
      (subject) =>
        `<tr><td class="${subject.outcome}">${subject.outcome}</td><td><code>${literal(subject.resource)}</code></td><td>${evidence(subject)}</td></tr>`,
    )
    .join("\n");
  return `<h3 id="${rule.name}"><span class="${worst ? "failed" : "passed"}">${worst ? "✗" : "✓"}</span> ${prose(rule.description)}</h3>
<p class="meta"><code>${rule.name}</code> · ${rule.severity} · ${literal(rule.serves.join(", "))}</p>
${bad.map((subject) => `<p class="${subject.outcome}">${remark(subject)}</p>`).join("\n")}
${
  rule.subjects.length === 0
    ? '<p class="meta">The stack declares nothing that this rule looks at.</p>'
    : `<details><summary>${rule.subjects.length} resource${rule.subjects.length === 1 ? "" : "s"} with evidence</summary>
<table><thead><tr><th>Outcome</th><th>Resource</th><th>Evidence</th></tr></thead><tbody>
${rows}
</tbody></table></details>`
}`;
}

/** How a control stands: its rules' verdicts, counted. */
function outcomeOf(report: Report, names: readonly string[]): string {
  const found = report.themes
    .flatMap(({ rules }) => rules)
    .filter(({ name }) => names.includes(name))
    .flatMap(({ subjects }) => subjects);
  const count = (outcome: SubjectReport["outcome"]) => found.filter((one) => one.outcome === outcome).length;
  return (["failed", "excepted", "passed"] as const)
    .filter((outcome) => count(outcome) > 0)
    .map((outcome) => `<span class="${outcome}">${count(outcome)} ${outcome}</span>`)
    .join(", ");
}

/** The report as one page without scripts or links to elsewhere, for reading and printing. */
export function htmlReport(report: Report): string {
  const { totals } = report;
  const excepted = report.themes
    .flatMap(({ rules }) => rules)
    .flatMap((rule) =>
      rule.subjects.filter(({ outcome }) => outcome === "excepted").map((subject) => [rule, subject] as const),
    );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Compliance of ${literal(report.stack)}</title><style>${style}</style></head><body>
<h1>Compliance of the stack ${literal(report.stack)}</h1>
<p>Each rule below says what holds of every resource that it looks at, how grave its failure would be, and the controls it is evidence for. Unfold a rule for its resources, with the values
that each verdict rests on; printed, everything is unfolded. <code>npm run compliance -- --stack ${literal(report.stack)}</code> makes this page anew, and <code>pulumi up --policy-pack policies</code> enforces the same rules.</p>
<p class="meta">Region ${literal(report.region)} · made ${literal(report.created_at)} from the program as declared, without an account</p>
<p class="totals"><b class="${totals.failed === 0 ? "passed" : "failed"}">${totals.failed} failed</b>, <b class="passed">${totals.passed} passed</b>, <b class="excepted">${totals.excepted} excepted</b>, by ${totals.rules} rules</p>
<h2>Controls</h2>
<table><thead><tr><th>Control</th><th>Outcome</th><th>Shown by</th></tr></thead><tbody>
${Object.entries(report.controls)
  .map(
    ([control, names]) =>
      `<tr><td>${literal(control)}</td><td>${outcomeOf(report, names)}</td><td>${names.map((name) => `<a href="#${name}">${name}</a>`).join(", ")}</td></tr>`,
  )
  .join("\n")}
</tbody></table>
<h2>Exceptions</h2>
${
  excepted.length === 0
    ? "<p>None.</p>"
    : `<table><thead><tr><th>Rule</th><th>Resource</th><th>Until</th><th>Reason</th></tr></thead><tbody>
${excepted
  .map(
    ([rule, { resource, exception }]) =>
      `<tr><td><a href="#${rule.name}">${rule.name}</a></td><td><code>${literal(resource)}</code></td><td>${literal(exception!.until)}</td><td>${literal(exception!.reason)}</td></tr>`,
  )
  .join("\n")}
</tbody></table>`
}
<h2>What this does not cover</h2>
<ul>${report.not_covered.map((line) => `<li>${prose(line)}</li>`).join("\n")}</ul>
${report.themes.map(({ theme, rules }) => `<h2>${literal(theme)}</h2>\n${rules.map(ruleSection).join("\n")}`).join("\n")}
</body></html>
`;
}
