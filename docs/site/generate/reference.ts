/** The reference, from the document behind GET /openapi.json. */
import { callSnippet, languages, variableOf } from "../../../console/src/snippets.ts";
import { tabs } from "./examples.ts";
import { addressOf, firstSentence, type SitePage } from "./page.ts";

type Json = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Json;
}

interface Media {
  readonly schema: Json;
  readonly example?: unknown;
}

interface Declared {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Media>> }>
  >;
}

export interface OpenApi {
  readonly info: { readonly title: string; readonly description?: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Declared>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

/** One call that the platform answers. */
export interface Operation extends Declared {
  /** In upper case. */
  readonly method: string;
  readonly path: string;
}

/** What stands first, in this order; the other tags follow as the document has them. */
const FIRST = [
  "Events",
  "Inbox",
  "Subscriptions",
  "Deliveries",
  "Replays",
  "Problems",
  "Event types",
  "Reference tables",
];

export const operationsOf = ({ paths }: OpenApi): readonly Operation[] =>
  Object.entries(paths)
    .flatMap(([path, item]) =>
      Object.entries(item).map(([method, declared]) => ({ ...declared, method: method.toUpperCase(), path })),
    )
    // What everything begins with comes first.
    .sort((a, b) => Number(b.path === "/events") - Number(a.path === "/events"));

export const nameOf = ({ method, path }: Operation): string => `${method} ${path}`;

const slugOfTag = (tag: string): string => `reference/${tag.toLowerCase().replaceAll(" ", "-")}`;

/** As headings get their anchors: what is neither letter, digit, underscore nor hyphen goes, spaces become hyphens. */
const anchorOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");

/** Where a call is described. */
export const placeOf = (operation: Operation): string =>
  `${addressOf(slugOfTag(operation.tags?.[0] ?? ""))}#${anchorOf(nameOf(operation))}`;

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll(/\s*\n\s*/g, " ");

/** Members deeper than this are named by their type alone. */
const DEEPEST = 3;

function resolved(schema: Json, schemas: OpenApi["components"]["schemas"]): Json {
  const name = typeof schema.$ref === "string" ? schema.$ref.split("/").at(-1)! : undefined;
  return name === undefined ? schema : (schemas[name] ?? {});
}

/** A schema in short: `string`, `integer 1–100`, `Key[]`, … */
function typeOf(schema: Json | undefined): string {
  if (schema === undefined) return "";
  if (typeof schema.$ref === "string") return schema.$ref.split("/").at(-1)!;
  const options = (schema.anyOf ?? schema.oneOf) as readonly Json[] | undefined;
  if (options !== undefined) return options.map(typeOf).join(" or ");
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(", ");
  if (schema.type === "array") return `${typeOf(schema.items as Json)}[]`;
  const bounds =
    schema.minimum === undefined && schema.maximum === undefined
      ? ""
      : ` ${String(schema.minimum ?? "")}–${String(schema.maximum ?? "")}`;
  return [schema.type ?? "any"].flat().join(" or ") + bounds;
}

interface Member {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/** The members of an object, or of the objects in a list, as far down as they are worth a row. */
function membersOf(schema: Json, schemas: OpenApi["components"]["schemas"], prefix = "", depth = 0): Member[] {
  const whole = resolved(schema, schemas);
  if (whole.type === "array") return membersOf(whole.items as Json, schemas, `${prefix.replace(/\.$/, "")}[].`, depth);
  const options = (whole.anyOf ?? whole.oneOf) as readonly Json[] | undefined;
  if (options !== undefined) return options.flatMap((option) => membersOf(option, schemas, prefix, depth));
  const properties = (whole.properties ?? {}) as Readonly<Record<string, Json>>;
  const required = (whole.required ?? []) as readonly string[];
  return Object.entries(properties).flatMap(([name, property]) => {
    const description = (property.description ?? resolved(property, schemas).description ?? "") as string;
    const row = { name: prefix + name, type: typeOf(property), required: required.includes(name), description };
    return depth + 1 >= DEEPEST ? [row] : [row, ...membersOf(property, schemas, `${prefix}${name}.`, depth + 1)];
  });
}

function memberTable(members: readonly Member[]): string {
  const rows = members.map(
    ({ name, type, required, description }) =>
      `| \`${name}\`${required ? " (required)" : ""} | ${cell(type === "" ? "" : `\`${type}\``)} | ${cell(description)} |`,
  );
  return ["| name | type | meaning |", "|---|---|---|", ...new Set(rows)].join("\n");
}

/** What the form of a call has to know. */
function formOf(operation: Operation): string {
  const { method, path, parameters = [], requestBody } = operation;
  const known = {
    method,
    path,
    parameters: parameters
      .filter((parameter) => parameter.in !== "header")
      .map(({ name, in: where, required = false }) => ({ name, in: where, required })),
    body: Object.values(requestBody?.content ?? {})[0]?.example,
    open: operation.security?.length === 0,
  };
  const text = JSON.stringify(known).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
  return `<try-it data-call="${text}"></try-it>`;
}

/** Query of the snippet: what the call can't do without. */
const QUERIES: Readonly<Record<string, string>> = {
  "GET /audit/access": "hour=2026-11-25T10:00:00Z",
  "GET /metrics": "measures=events&last=24h",
};

/** The call that a snippet makes. */
export const callOf = (operation: Operation) => {
  const example = Object.values(operation.requestBody?.content ?? {})[0]?.example;
  return {
    method: operation.method,
    path: operation.path,
    query: QUERIES[nameOf(operation)],
    body: example === undefined ? undefined : { json: example },
    withoutKey: operation.security?.length === 0,
  };
};

const CODES = { curl: "sh", Python: "python", "Node.js": "js", JavaScript: "js" } as const;

function section(operation: Operation, document: OpenApi): string {
  const { path, parameters = [], requestBody, responses } = operation;
  const { schemas } = document.components;
  const body = Object.values(requestBody?.content ?? {})[0];
  const good = Object.entries(responses).filter(([status]) => Number(status) < 400);
  const bad = Object.entries(responses).filter(([status]) => Number(status) >= 400);
  const answers = good.map(([status, { description, content }]) => {
    const schema = Object.values(content ?? {})[0]?.schema;
    const members = schema === undefined ? [] : membersOf(schema, schemas);
    return `**${status}** ${description}${members.length === 0 ? "" : `\n\n${memberTable(members)}`}`;
  });
  const refusals = bad.map(([status, { description }]) => {
    const codes = description.replaceAll(/`(\w+)`/g, "[`$1`](/docs/errors/#$1)");
    return `| ${status} | ${codes} |`;
  });
  const call = callOf(operation);
  const variables = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => `\`${variableOf(path, name!)}\``);
  const inputs = parameters.map(({ name, in: where, required = false, description, schema }) => ({
    name,
    type: `${typeOf(schema)} in ${where}`,
    required,
    description: description ?? (schema?.description as string | undefined) ?? "",
  }));
  const bodyMembers = body === undefined ? [] : membersOf(body.schema, schemas);
  return [
    `## ${nameOf(operation)}`,
    `**${operation.summary ?? ""}.** ${operation.description ?? ""}`,
    ...(inputs.length === 0 ? [] : ["### Parameters", memberTable(inputs)].slice(1)),
    ...(body === undefined
      ? []
      : [
          `Body: \`${typeOf(body.schema)}\`${requestBody?.required === false ? ", may be left out" : ""}`,
          ...(bodyMembers.length === 0 ? [] : [memberTable(bodyMembers)]),
        ]),
    ...(variables.length === 0 ? [] : [`The code reads ${variables.join(" and ")} from the environment.`]),
    tabs(languages.map((label) => ({ label, code: CODES[label], text: callSnippet(label, call) }))),
    formOf(operation),
    ...answers,
    ...(refusals.length === 0 ? [] : [["| status | errors |", "|---|---|", ...refusals].join("\n")]),
  ].join("\n\n");
}

const overview = (document: OpenApi, byTag: ReadonlyMap<string, readonly Operation[]>): SitePage => {
  const calls = [...byTag].flatMap(([tag, operations]) => [
    `## ${tag}`,
    [
      "| call | what it does |",
      "|---|---|",
      ...operations.map(
        (operation) => `| [\`${nameOf(operation)}\`](${placeOf(operation)}) | ${cell(operation.summary ?? "")} |`,
      ),
    ].join("\n"),
  ]);
  const body = [
    document.info.description ?? "",
    "Calls are made to the address of your platform, which the code on these pages reads from `TRIGGERS_URL`; the key is in `TRIGGERS_API_KEY`. The same description for tools is [openapi.json](/openapi.json).",
    "**Try it** below a call sends it from this page with a sandbox key of yours. Sandbox keys begin with `trg_sandbox_` and see only what the sandbox holds.",
    ...calls,
  ].join("\n\n");
  return { slug: "reference", title: "Reference", description: "Every call of the API, by what it is about.", body };
};

/** The overview, then a page a tag. */
export function referencePages(document: OpenApi): readonly SitePage[] {
  const byTag = Map.groupBy(operationsOf(document), ({ tags }) => tags?.[0] ?? "Other");
  const ordered = new Map(
    [...byTag].sort(([a], [b]) => {
      const place = (tag: string) => (FIRST.includes(tag) ? FIRST.indexOf(tag) : FIRST.length);
      return place(a) - place(b);
    }),
  );
  const pages = [...ordered].map(([tag, operations]): SitePage => {
    const body = operations.map((operation) => section(operation, document)).join("\n\n");
    const calls = operations.map(nameOf).join(", ");
    return {
      slug: slugOfTag(tag),
      title: tag,
      description: firstSentence(`Calls about ${tag.toLowerCase()}: ${calls}.`),
      body,
    };
  });
  return [overview(document, ordered), ...pages];
}
