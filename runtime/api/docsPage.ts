import { errorCatalog } from "../domain/errors/errors.ts";
import { calls, matrix, type Permission, permissions, roles } from "../domain/people/roles.ts";
import type { OpenApiDocument } from "./openapi.ts";

/** The reference as HTML that needs nothing else: no script, no font, no other host. */
const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** The little Markdown our descriptions use: paragraphs, `code`, [links](/path). */
function prose(text: string): string {
  const inline = (part: string) =>
    escaped(part)
      .replaceAll(/`([^`]+)`/g, "<code>$1</code>")
      .replaceAll(/\[([^\]]+)\]\((\/[^)\s]*)\)/g, '<a href="$2">$1</a>');
  return text
    .split("\n\n")
    .map((paragraph) => `<p>${inline(paragraph)}</p>`)
    .join("");
}

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#2457d6}
@media(prefers-color-scheme:dark){:root{--accent:#8ab0ff}}
*{box-sizing:border-box}body{margin:0;font:16px/1.55 system-ui,sans-serif;display:grid;grid-template-columns:minmax(0,1fr)}
main{padding:1.5rem;max-width:60rem;min-width:0}nav{padding:1rem 1.5rem;border-bottom:1px solid var(--line)}
nav ul{list-style:none;margin:.2rem 0 .8rem;padding:0}nav li{margin:.15rem 0}nav strong{font-size:.85rem;text-transform:uppercase}
@media(min-width:64rem){body{grid-template-columns:20rem minmax(0,1fr)}nav{border:0;border-right:1px solid var(--line);height:100vh;overflow:auto;position:sticky;top:0}}
a{color:var(--accent)}code,pre{font:13.5px/1.5 ui-monospace,monospace}code{background:var(--soft);padding:.1em .3em;border-radius:3px}
pre{background:var(--soft);padding:.8rem;border-radius:6px;overflow:auto}pre code{background:none;padding:0}
section{border-top:1px solid var(--line);padding-top:.5rem;margin-top:2rem}h3{margin-bottom:.2rem}
.method{display:inline-block;min-width:4.2em;font-weight:700;color:var(--accent)}
table{border-collapse:collapse;width:100%;font-size:.95em}th,td{text-align:left;vertical-align:top;border-bottom:1px solid var(--line);padding:.35rem .6rem .35rem 0}
details{margin:.5rem 0}`;

const page = (title: string, nav: string, main: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escaped(title)}</title><style>${STYLE}</style><body><nav aria-label="Contents">${nav}</nav><main>${main}</main></body></html>`;

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    name: string;
    in: string;
    required?: boolean;
    description?: string;
    schema?: Json;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: Json }>> };
  readonly responses: Readonly<
    Record<string, { description: string; content?: Readonly<Record<string, { schema: Json }>> }>
  >;
}

/** A schema in short: `string`, `integer 1–100`, `Key[]`, … */
function typeOf(schema: Json | undefined): string {
  if (schema === undefined) return "";
  if (typeof schema.$ref === "string") return schema.$ref.split("/").at(-1)!;
  const options = (schema.anyOf ?? schema.oneOf) as readonly Json[] | undefined;
  if (options !== undefined) return options.map(typeOf).join(" or ");
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `${typeOf(schema.items as Json)}[]`;
  const bounds =
    schema.minimum === undefined && schema.maximum === undefined
      ? ""
      : ` ${String(schema.minimum ?? "")}–${String(schema.maximum ?? "")}`;
  return [schema.type].flat().join(" or ") + bounds;
}

const anchorOf = (method: string, path: string): string => `${method}-${path}`.replaceAll(/[^a-z]+/gi, "-");

const schemaBlock = (title: string, schema: Json): string =>
  `<details><summary>${title}: <code>${escaped(typeOf(schema))}</code></summary><pre><code>${escaped(JSON.stringify(schema, null, 2))}</code></pre></details>`;

function operationSection(method: string, path: string, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    ({ name, in: where, required, description, schema }) =>
      `<tr><td><code>${escaped(name)}</code>${required === true ? " *" : ""}<td>${where}<td>${escaped(typeOf(schema))}<td>${prose(description ?? (schema?.description as string | undefined) ?? "")}`,
  );
  const body = Object.values(operation.requestBody?.content ?? {})[0];
  const responses = Object.entries(operation.responses).map(([status, { description, content }]) => {
    const linked = prose(description).replaceAll(/<code>(\w+)<\/code>/g, (code, name: string) =>
      name in errorCatalog ? `<a href="/docs/errors#${name}"><code>${name}</code></a>` : code,
    );
    const schema = Object.values(content ?? {})[0]?.schema;
    const shown = schema === undefined || Number(status) >= 400 ? "" : schemaBlock("Answer", schema);
    return `<tr><td>${status}<td>${linked}${shown}`;
  });
  return `<section id="${anchorOf(method, path)}"><h3><span class="method">${method.toUpperCase()}</span> <code>${escaped(path)}</code></h3>
<p><strong>${escaped(operation.summary ?? "")}</strong></p>${prose(operation.description ?? "")}
${parameters.length === 0 ? "" : `<table><tr><th>Parameter<th>In<th>Type<th>${parameters.join("")}</table>`}
${body === undefined ? "" : schemaBlock("Body", body.schema)}
<table><tr><th>Status<th>Meaning${responses.join("")}</table></section>`;
}

/** GET /docs. */
export function referencePage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Readonly<Record<string, Operation>>).map(([method, operation]) => ({
      method,
      path,
      operation,
      tag: operation.tags?.[0] ?? "",
    })),
  );
  const tags = [...Map.groupBy(operations, ({ tag }) => tag)].sort(([a], [b]) =>
    a === "Events" ? -1 : b === "Events" ? 1 : 0,
  );
  const nav = tags.map(
    ([tag, each]) =>
      `<strong>${escaped(tag)}</strong><ul>${each.map(({ method, path, operation }) => `<li><a href="#${anchorOf(method, path)}">${escaped(operation.summary ?? path)}</a>`).join("")}</ul>`,
  );
  const more = `<p><a href="/openapi.json">openapi.json</a> · <a href="/docs/errors">Errors</a></p>`;
  const schemas = Object.entries((document.components?.schemas ?? {}) as Readonly<Record<string, Json>>).map(
    ([name, schema]) =>
      `<section id="schema-${escaped(name)}"><h3><code>${escaped(name)}</code></h3><pre><code>${escaped(JSON.stringify(schema, null, 2))}</code></pre></section>`,
  );
  const main = tags.map(
    ([tag, each]) =>
      `<h2>${escaped(tag)}</h2>${each.map(({ method, path, operation }) => operationSection(method, path, operation)).join("")}`,
  );
  return page(
    document.info.title,
    more + nav.join(""),
    `<h1>${escaped(document.info.title)}</h1>${prose(document.info.description ?? "")}${main.join("")}<h2>Schemas</h2>${schemas.join("")}`,
  );
}

/** GET /docs/errors: the catalog, by anchor. */
export function errorsPage(): string {
  const entries = Object.entries(errorCatalog);
  const nav = `<p><a href="/docs">Reference</a></p><ul>${entries.map(([code]) => `<li><a href="#${code}"><code>${code}</code></a>`).join("")}</ul>`;
  const main = entries.map(
    ([code, { status, retryable, when, remedy }]) =>
      `<section id="${code}"><h3><code>${code}</code> · ${status}</h3>${prose(when)}<p><strong>What to do.</strong></p>${prose(remedy)}<p>${retryable ? "The same request can succeed later." : "The same request will fail again."}</p></section>`,
  );
  const example = {
    error: {
      code: "not_found",
      message: "There is no key key_….",
      request_id: "req_…",
      docs: "/docs/errors#not_found",
    },
  };
  return page(
    "Errors",
    nav,
    `<h1>Errors</h1><p>Every refusal has one shape. <code>code</code> is for programs, <code>message</code> for people; <code>details</code>, where given, names each thing wrong.</p><pre><code>${escaped(JSON.stringify(example, null, 2))}</code></pre>${main.join("")}`,
  );
}

/** What each role may do in the console: the matrix by which the API refuses. */
export function rolesPage(): string {
  const names = Object.keys(permissions) as Permission[];
  const head = `<tr><th>Permission</th>${roles.map((role) => `<th>${role}</th>`).join("")}</tr>`;
  const rows = names.map(
    (name) =>
      `<tr><td>${escaped(permissions[name])}</td>${roles.map((role) => `<td>${matrix[role].includes(name) ? "yes" : "–"}</td>`).join("")}</tr>`,
  );
  const needed = names.map((name) => {
    const of = Object.entries(calls).filter(([, needs]) => needs === name);
    const list = of.map(([call]) => `<li><code>${escaped(call)}</code></li>`).join("");
    return `<section><h3>${escaped(permissions[name])}</h3>${list === "" ? "<p>Decides what answers show.</p>" : `<ul>${list}</ul>`}</section>`;
  });
  return page(
    "Roles",
    `<p><a href="/docs">Reference</a></p><p><a href="/docs/errors">Errors</a></p>`,
    `<h1>Roles</h1><p>People sign in to the console and have one role in each customer. An owner invites them and decides on their roles; the last owner can be neither removed nor changed. Keys have scopes instead, see the reference.</p><table>${head}${rows.join("")}</table><h2>What each permission lets through</h2>${needed.join("")}`,
  );
}
