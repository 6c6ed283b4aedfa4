/** The API's contract as types of the two SDKs, made from the OpenAPI document that the API itself serves. */
import openapiTypes, { astToString } from "openapi-typescript";
import { buildApp } from "../runtime/api/app.ts";
import type { Deps } from "../runtime/api/deps.ts";

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
}
interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: unknown }>> };
  readonly responses: Readonly<Record<string, unknown>>;
}
/** What `GET /openapi.json` answers, as far as the types need it. */
interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The OpenAPI document, made without a platform, since it is the same under all settings. */
export async function contractDocument(): Promise<Contract> {
  const app = buildApp({ env: {}, now: Date.now, log: () => undefined } as unknown as Deps);
  return (await (await app.request("/openapi.json")).json()) as Contract;
}

const MADE = "Made by `npm run docs` from the API's own description.";

/**
 * An operation as far as it is types. Refusals have one shape everywhere, and are thrown: they are no part of what a call answers.
 * Examples of bodies belong to the documentation.
 */
function typesOnly({ requestBody, responses, ...operation }: Operation): Operation {
  const content = Object.entries(requestBody?.content ?? {}).map(([type, { schema }]) => [type, { schema }]);
  return {
    ...operation,
    ...(requestBody && { requestBody: { ...requestBody, content: Object.fromEntries(content) } }),
    responses: Object.fromEntries(Object.entries(responses).filter(([status]) => status < "400")),
  };
}

const ofEach = <V, R>(record: Readonly<Record<string, V>>, make: (value: V) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value)]));

async function typescript(document: Contract): Promise<string> {
  const types = { ...document, paths: ofEach(document.paths, (item) => ofEach(item, typesOnly)) };
  const nodes = await openapiTypes(types as never, { alphabetize: true, silent: true });
  return `// ${MADE}\n// biome-ignore-all lint: made by a program\n// biome-ignore-all format: made by a program\n\n${astToString(nodes)}`;
}

const PYTHON_NAMES: Readonly<Record<string, string>> = {
  string: "str",
  integer: "int",
  number: "float",
  boolean: "bool",
  null: "None",
};
const KEYWORDS = new Set(["from", "class", "def", "import", "global", "is", "in", "not", "pass", "as"]);
const literal = (value: unknown): string => (value === null ? "None" : JSON.stringify(value));

/** A schema as a Python type; objects without a name of their own are `dict[str, Any]`. */
function pythonType(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1)!;
  if (schema.enum !== undefined) return `Literal[${schema.enum.map(literal).join(", ")}]`;
  if (schema.const !== undefined) return `Literal[${literal(schema.const)}]`;
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts !== undefined) return `Union[${[...new Set(parts.map(pythonType))].join(", ")}]`;
  const [only] = schema.allOf ?? [];
  if (only !== undefined && schema.allOf?.length === 1) return pythonType(only);
  const types = [schema.type ?? []].flat();
  if (types.length > 1) return `Union[${types.map((type) => pythonType({ ...schema, type })).join(", ")}]`;
  const [type] = types;
  if (type === "array") return `list[${schema.items === undefined ? "Any" : pythonType(schema.items)}]`;
  if (type === "object") {
    const values = schema.additionalProperties;
    const known = typeof values === "object" && Object.keys(values).length > 0 && schema.properties === undefined;
    return `dict[str, ${known ? pythonType(values) : "Any"}]`;
  }
  return PYTHON_NAMES[type ?? ""] ?? "Any";
}

/** Members of an object, those that it extends included. */
function membersOf(document: Contract, schema: Schema): { properties: Record<string, Schema>; required: Set<string> } {
  const target = schema.$ref === undefined ? schema : document.components.schemas[schema.$ref.split("/").at(-1)!]!;
  const bases = (target.allOf ?? []).map((base) => membersOf(document, base));
  return {
    properties: Object.assign({}, ...bases.map(({ properties }) => properties), target.properties ?? {}),
    required: new Set([...bases.flatMap(({ required }) => [...required]), ...(target.required ?? [])]),
  };
}

function python(document: Contract): string {
  const classes: string[] = [];
  const aliases: string[] = [];
  for (const [name, schema] of Object.entries(document.components.schemas).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { properties, required } = membersOf(document, schema);
    const members = Object.entries(properties);
    const said = (schema.description ?? "").replaceAll("\\", "\\\\").replaceAll('"""', "'''");
    if (members.length === 0) {
      aliases.push(`${name} = ${pythonType(schema)}`);
      continue;
    }
    const lines = members.map(([member, type]) => {
      const text = pythonType(type);
      return [member, required.has(member) ? text : `NotRequired[${text}]`] as const;
    });
    // A name that Python has for itself can't be a member of a class: the functional form takes any.
    classes.push(
      lines.some(([member]) => KEYWORDS.has(member) || !/^[A-Za-z_]\w*$/.test(member))
        ? `${name} = TypedDict(\n    "${name}",\n    {\n${lines.map(([member, text]) => `        ${JSON.stringify(member)}: ${JSON.stringify(text)},`).join("\n")}\n    },\n)`
        : `class ${name}(TypedDict):\n${said === "" ? "" : `    """${said}"""\n\n`}${lines.map(([member, text]) => `    ${member}: ${text}`).join("\n")}`,
    );
  }
  const codes = membersOf(document, membersOf(document, { $ref: "#/components/schemas/Error" }).properties.error!)
    .properties.code!.enum!;
  return `# ${MADE}
from __future__ import annotations

import sys
from typing import Any, Literal, TypedDict, Union

if sys.version_info >= (3, 11):
    from typing import NotRequired
else:
    from typing_extensions import NotRequired

ErrorCode = Literal[
${codes.map((code) => `    ${literal(code)},`).join("\n")}
]

${classes.join("\n\n\n")}

${aliases.join("\n")}
`;
}

/** Files of the SDKs by path from the root, as they should read now. */
export async function contractFiles(): Promise<Readonly<Record<string, string>>> {
  const document = await contractDocument();
  return {
    "sdk/typescript/src/contract.ts": await typescript(document),
    "sdk/python/src/triggers/contract.py": python(document),
  };
}
