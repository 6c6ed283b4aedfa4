/**
 * `npm run compliance -- --stack prod [--out folder]`: the rules over a stack's program, without an account. Writes
 * compliance-report.html, .json and .sarif, and ends with code 1 when a resource breaks a rule without an exception, with 2 when it could not look.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readArguments } from "../local/arguments.ts";
import { graphOf, resourcesOf, stackConfig } from "../program/graph.ts";
import { type Configuration, checkConfiguration, evaluate } from "./evaluate.ts";
import { htmlReport } from "./htmlReport.ts";
import { reportOf } from "./report.ts";
import { sarifReport } from "./sarifReport.ts";

const { values } = readArguments({
  options: { stack: { type: "string", default: "prod" }, out: { type: "string", default: "." } },
});
async function main(): Promise<number> {
  const now = new Date();
  const configuration = JSON.parse(
    readFileSync(join(import.meta.dirname, "configuration.json"), "utf8"),
  ) as Configuration;
  checkConfiguration(configuration, now);
  const graph = await graphOf(values.stack, stackConfig(values.stack));
  const resources = resourcesOf(graph);
  const verdicts = evaluate(values.stack, resources, configuration, now);
  const report = reportOf(values.stack, graph.region, verdicts, resources, now);

  mkdirSync(values.out, { recursive: true });
  const file = (extension: string) => join(values.out, `compliance-report.${extension}`);
  writeFileSync(file("json"), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(file("sarif"), `${JSON.stringify(sarifReport(report), null, 2)}\n`);
  writeFileSync(file("html"), htmlReport(report));
  const { passed, failed, excepted } = report.totals;
  for (const rule of report.themes.flatMap(({ rules }) => rules))
    for (const { outcome, message } of rule.subjects)
      if (outcome === "failed") console.error(`${rule.name}: ${message}`);
  console.log(`${values.stack}: ${passed} passed, ${failed} failed, ${excepted} excepted; ${file("html")}`);
  return failed === 0 ? 0 : 1;
}

main()
  .catch((cause: Error) => {
    console.error(cause.message);
    return 2;
  })
  .then((code) => process.exit(code));
