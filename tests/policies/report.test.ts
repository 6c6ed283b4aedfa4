import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "uvu";
import { type Configuration, evaluate } from "../../policies/evaluate.ts";
import { htmlReport, literal, prose } from "../../policies/htmlReport.ts";
import { reportOf } from "../../policies/report.ts";
import { rules } from "../../policies/rules.ts";
import { sarifReport } from "../../policies/sarifReport.ts";
import { broken, program, today } from "./program.ts";

const configuration = JSON.parse(
  readFileSync(new URL("../../policies/configuration.json", import.meta.url), "utf8"),
) as Configuration;

const report = reportOf("prod", "us-east-1", evaluate("prod", program, configuration, today), program, today);
const unrotated = broken("aws:kms/key:Key", "store-key", "enableKeyRotation", false);
const failing = reportOf("prod", "us-east-1", evaluate("prod", unrotated, configuration, today), unrotated, today);

test("the report counts what the rules found", () => {
  const verdicts = evaluate("prod", program, configuration, today);
  assert.deepEqual(report.totals, { rules: rules.length, passed: verdicts.length - 1, failed: 0, excepted: 1 });
});

test("a verdict comes with the values that it rests on", () => {
  const rule = report.themes.flatMap((theme) => theme.rules).find(({ name }) => name === "key-rotates")!;
  assert.deepEqual(
    rule.subjects.find(({ resource }) => resource === "store-key"),
    {
      resource: "store-key",
      type: "aws:kms/key:Key",
      outcome: "passed",
      evidence: { enableKeyRotation: true, rotationPeriodInDays: null },
    },
  );
});

test("a verdict names the other resources that it depends on", () => {
  const subject = (rule: string, resource: string) =>
    report.themes
      .flatMap(({ rules }) => rules)
      .find(({ name }) => name === rule)!
      .subjects.find((one) => one.resource === resource)!;
  assert.deepEqual(subject("function-watched", "route").rests_on, [
    "cloudwatch MetricAlarm route-duration-alarm",
    "cloudwatch MetricAlarm route-errors-alarm",
    "cloudwatch MetricAlarm route-throttles-alarm",
  ]);
  assert.deepEqual(subject("bucket-tls", "archive-bucket").rests_on, ["s3 BucketPolicy archive-bucket"]);
  const bare = report.themes
    .flatMap(({ rules }) => rules)
    .flatMap(({ name, subjects }) =>
      subjects
        .filter(({ evidence, rests_on = [] }) => Object.keys(evidence).length === 0 && rests_on.length === 0)
        .map(({ resource }) => `${name}: ${resource}`),
    );
  assert.deepEqual(bare, [], "a verdict without anything to show for it");
});

test("every control names the rules that serve it", () =>
  assert.deepEqual(report.controls["FSBP KMS.4"], ["key-rotates"]));

test("the page shows each rule, each exception with its end, and the controls that are not covered", () => {
  const page = htmlReport(report);
  for (const { name } of rules) assert.ok(page.includes(`id="${name}"`), name);
  assert.ok(page.includes("Excepted until 2027-10-31:"));
  for (const line of report.not_covered) assert.ok(page.includes(prose(line)), line);
});

test("the report names regions where the edge may log to an undeclared group", () => {
  const named = report.not_covered.filter((line) => line.startsWith("Logs of the function at the edge"));
  assert.deepEqual(named, [
    "Logs of the function at the edge in ap-northeast-1, ap-northeast-2, ap-south-1, ap-southeast-1, ap-southeast-2, eu-central-1, eu-west-2, sa-east-1, us-east-2, us-west-1: should it run there, AWS makes a log group that has neither our key nor a retention. `triggers:edgeLogRegions` declares the groups of more regions.",
  ]);
  const group = program.find(({ name }) => name === "authenticate-logs-us-east-1")!;
  const everywhere = [
    ...program,
    ...named[0]!
      .slice("Logs of the function at the edge in ".length, named[0]!.indexOf(":"))
      .split(", ")
      .map((region) => ({ ...group, name: `authenticate-logs-${region}`, props: { ...group.props, region } })),
  ];
  const whole = reportOf("prod", "us-east-1", [], everywhere, today);
  assert.equal(whole.not_covered.length, report.not_covered.length - 1);
  const without = program.filter(({ type }) => type !== "aws:cloudwatch/logGroup:LogGroup");
  assert.equal(
    reportOf("prod-us-east-1", "us-east-1", [], without, today).not_covered.length,
    whole.not_covered.length,
  );
});

test("the page shows the state of every control", () => {
  const row = (page: string) => /<td>FSBP KMS\.4<\/td><td>(.*?)<\/td>/.exec(page)?.[1];
  const keys = report.themes.flatMap(({ rules }) => rules).find(({ name }) => name === "key-rotates")!.subjects.length;
  assert.equal(row(htmlReport(report)), `<span class="passed">${keys} passed</span>`);
  assert.equal(
    row(htmlReport(failing)),
    `<span class="failed">1 failed</span>, <span class="passed">${keys - 1} passed</span>`,
  );
});

test("the page loads nothing from elsewhere and runs nothing", () =>
  assert.equal(
    /<script|<link|src=|https?:\/\/(?!json)/.test(htmlReport(report).replace(/<code>[^<]*<\/code>/g, "")),
    false,
  ));

test("the page shows a failure with its remedy", () =>
  assert.ok(
    htmlReport(failing).includes(
      "store-key: the key does not rotate. Set `enableKeyRotation: true`, and no `rotationPeriodInDays` above 365.",
    ),
  ));

test("values that look like markup are shown as text", () =>
  assert.equal(literal(`<b a="1">'&'</b>`), "&lt;b a=&quot;1&quot;&gt;&#39;&amp;&#39;&lt;/b&gt;"));

test("SARIF tells failures, and exceptions as suppressed with their reason", () => {
  const { runs } = sarifReport(failing);
  assert.deepEqual(
    runs[0]!.results!.map(({ ruleId, level, suppressions }) => [ruleId, level, suppressions?.length ?? 0]),
    [
      ["bucket-own-key", "error", 1],
      ["key-rotates", "warning", 0],
    ],
  );
});

test.run();
