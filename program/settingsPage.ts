import { z } from "zod";
import { settingsSchema } from "../components/stack/settings.ts";

/** One setting as the page shows it. */
interface Row {
  readonly key: string;
  readonly type: string;
  readonly standard: string;
  readonly description: string;
}

interface Json {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly items?: Json;
  readonly default?: unknown;
  readonly description?: string;
}

const typeOf = ({ type, minimum, maximum, items, format }: Json): string => {
  if (type === "integer") return `whole number, ${minimum?.toLocaleString("en")} to ${maximum?.toLocaleString("en")}`;
  if (type === "array") return `list of ${items?.type === "string" ? "texts" : (items?.type ?? "values")}`;
  if (type === "boolean") return "`true` or `false`";
  return format === "email" ? "e-mail address" : type === "string" ? "text" : (type ?? "value");
};

function rows(): Row[] {
  const schema = z.toJSONSchema(settingsSchema, { io: "input" }) as { properties: Record<string, Json> };
  return Object.entries(schema.properties)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, json]) => ({
      key,
      type: typeOf(json),
      standard: json.default === undefined ? "–" : `\`${JSON.stringify(json.default)}\``,
      description: json.description ?? "",
    }));
}

/**
 * `docs/configuration.md`, generated from the schema that checks a stack file. @param stacks values of the stack files
 * that come with the program, by stack and key
 */
export function settingsPage(stacks: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
  const names = Object.keys(stacks);
  const value = (stack: string, key: string): string => {
    const given = stacks[stack]?.[`triggers:${key}`];
    return given === undefined ? "" : `\`${given}\``;
  };
  return `# Configuration

<!-- Generated from components/stack/settings.ts by \`npm run docs\`. -->

Settings live in \`Pulumi.<stack>.yaml\` under \`triggers:\`, for example \`pulumi config set triggers:multiAz true\`. One schema checks
them before anything is created: an unknown key, a wrong type, a value out of range or a combination that makes no sense stops the
program, with every problem in one list. \`aws:region\` is the stack's region; \`aws:defaultTags\` tags everything.

| setting | takes | default | ${names.join(" | ")} | meaning |
|---|---|---|${names.map(() => "---|").join("")}---|
${rows()
  .map(
    ({ key, type, standard, description }) =>
      `| \`${key}\` | ${type} | ${standard} | ${names.map((stack) => value(stack, key)).join(" | ")} | ${description} |`,
  )
  .join("\n")}

## Combinations

- \`domainName\` and \`certificateArn\` go together, and a protected stack with an edge needs them; the certificate is in us-east-1, also for stacks of other regions.
- \`keyRegions\` contains the stack's own region.
- \`allowLoopbackWebhooks\` is refused whenever a Pulumi engine runs the program: only \`npm start\` may set it.
- \`logRetentionDays\` takes what CloudWatch takes: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 and longer terms up to 3,653.
`;
}
