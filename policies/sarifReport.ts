import type { Log } from "sarif";
import type { Report } from "./report.ts";

const levels = { critical: "error", high: "error", medium: "warning", low: "note" } as const;

/** The report as SARIF 2.1.0, which code hosts show beside a change. Source: OASIS SARIF 2.1.0. */
export function sarifReport(report: Report): Log {
  const rules = report.themes.flatMap((theme) => theme.rules);
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "triggers-policies",
            rules: rules.map(({ name, description, remedy, severity, serves }) => ({
              id: name,
              shortDescription: { text: description },
              help: { text: remedy },
              defaultConfiguration: { level: levels[severity] },
              properties: { tags: [...serves] },
            })),
          },
        },
        results: rules.flatMap(({ name, severity, subjects }) =>
          subjects
            .filter(({ outcome }) => outcome !== "passed")
            .map(({ resource, type, message, exception }) => ({
              ruleId: name,
              level: levels[severity],
              message: { text: message },
              locations: [
                {
                  physicalLocation: { artifactLocation: { uri: "index.ts" }, region: { startLine: 1 } },
                  logicalLocations: [{ fullyQualifiedName: `${type}::${resource}`, kind: "resource" }],
                },
              ],
              ...(exception === undefined
                ? {}
                : {
                    suppressions: [
                      { kind: "external", justification: `${exception.reason} Until ${exception.until}.` },
                    ],
                  }),
            })),
        ),
      },
    ],
  };
}
