/** Code that makes a call, to run as it is: the key comes from the environment, so no secret is copied along. Pure; tests run each. */

/** One call of the API, as a program makes it. */
export interface Call {
  readonly method: string;
  /** Of the platform, without a slash at the end. @default from the environment, `TRIGGERS_URL` */
  readonly url?: string | undefined;
  /** As OpenAPI writes it, `/events/{id}`: a parameter is taken from the environment under the name of `variableOf`. */
  readonly path: string;
  /** Names and values, encoded already: `hour=2026-11-27T10`. */
  readonly query?: string | undefined;
  /** The JSON text to send byte for byte, or a value that the language writes in its own way. */
  readonly body?: { readonly text: string } | { readonly json: unknown } | undefined;
  readonly idempotencyKey?: string | undefined;
  /** Whether it is answered without a key. @default false */
  readonly withoutKey?: boolean | undefined;
}

/** What the composer sends. */
export interface Sending {
  /** Of the platform, without a slash at the end. */
  readonly url: string;
  /** JSON text. */
  readonly body: string;
  readonly idempotencyKey?: string | undefined;
}

export const languages = ["curl", "Python", "Node.js", "JavaScript"] as const;
export type Language = (typeof languages)[number];

/** The variable that holds a parameter of a path: `EVENT_ID` for `id` in `/events/{id}`, `KEY_ID` for `key_id`. */
export function variableOf(path: string, parameter: string): string {
  if (parameter !== "id") return parameter.toUpperCase();
  const before = path.slice(0, path.indexOf("/{id}")).split("/").at(-1)!;
  const one = before.replace(/ies$/, "y").replace(/s$/, "");
  return `${one.replaceAll("-", "_").toUpperCase()}_ID`;
}

/** A part of an address: as it stands, or of the environment. */
type Part = { readonly text: string } | { readonly variable: string };

function partsOf({ url, path, query }: Call): Part[] {
  const parts: Part[] = url === undefined ? [{ variable: "TRIGGERS_URL" }] : [{ text: url }];
  for (const piece of `${path}${query === undefined ? "" : `?${query}`}`.split(/(\{\w+\})/)) {
    const parameter = /^\{(\w+)\}$/.exec(piece)?.[1];
    const last = parts.at(-1);
    if (parameter !== undefined) parts.push({ variable: variableOf(path, parameter) });
    else if (last !== undefined && "text" in last) parts.splice(-1, 1, { text: last.text + piece });
    else if (piece !== "") parts.push({ text: piece });
  }
  return parts;
}

const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** A literal that Python and JavaScript read alike: JSON, with what ends a line in JavaScript of old escaped. */
const literal = (text: string): string =>
  JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

function pythonValue(value: unknown, indent: string): string {
  const deeper = `${indent}    `;
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return literal(value);
  if (Array.isArray(value)) {
    if (value.every((each) => typeof each !== "object" || each === null))
      return `[${value.map((each) => pythonValue(each, deeper)).join(", ")}]`;
    return `[\n${value.map((each) => `${deeper}${pythonValue(each, deeper)},\n`).join("")}${indent}]`;
  }
  if (typeof value === "object") {
    const members = Object.entries(value);
    if (members.length === 0) return "{}";
    return `{\n${members.map(([name, each]) => `${deeper}${literal(name)}: ${pythonValue(each, deeper)},\n`).join("")}${indent}}`;
  }
  return String(value);
}

const indented = (text: string, indent: string): string => text.replaceAll("\n", `\n${indent}`);

function curl(call: Call, headers: readonly string[]): string {
  const parts = partsOf(call);
  const address = parts.every((part) => "text" in part)
    ? shell(parts.map(({ text }) => text).join(""))
    : `"${parts.map((part) => ("text" in part ? part.text.replaceAll(/[\\"$`]/g, "\\$&") : `$${part.variable}`)).join("")}"`;
  const { body } = call;
  const text = body === undefined ? undefined : "text" in body ? body.text : JSON.stringify(body.json, null, 2);
  const method = call.method === (text === undefined ? "GET" : "POST") ? "" : `-X ${call.method} `;
  return [
    `curl -sS ${method}${address}`,
    ...(call.withoutKey === true ? [] : ['-H "authorization: Bearer $TRIGGERS_API_KEY"']),
    ...(text === undefined ? [] : ["-H 'content-type: application/json'"]),
    ...headers.map((header) => `-H ${shell(header)}`),
    ...(text === undefined ? [] : [`--data-binary ${shell(text)}`]),
  ].join(" \\\n  ");
}

function python(call: Call, headers: readonly (readonly [string, string])[]): string {
  const { body, method } = call;
  const address = partsOf(call).map((part) =>
    "text" in part ? literal(part.text) : `os.environ[${literal(part.variable)}]`,
  );
  const data =
    body === undefined
      ? undefined
      : "text" in body
        ? `${literal(body.text)}.encode()`
        : `json.dumps(${pythonValue(body.json, "    ")}).encode()`;
  const lines = [
    ...(call.withoutKey === true ? [] : ['"authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],']),
    ...(data === undefined ? [] : ['"content-type": "application/json",']),
    ...headers.map(([name, value]) => `${literal(name)}: ${literal(value)},`),
  ];
  const implied = data === undefined ? "GET" : "POST";
  return [
    ...(body !== undefined && "json" in body ? ["import json"] : []),
    "import os",
    "import urllib.request",
    "",
    "request = urllib.request.Request(",
    `    ${address.join(" + ")},`,
    ...(method === implied ? [] : [`    method=${literal(method)},`]),
    ...(data === undefined ? [] : [`    data=${data},`]),
    ...(lines.length === 0 ? [] : ["    headers={", ...lines.map((line) => `        ${line}`), "    },"]),
    ")",
    "with urllib.request.urlopen(request) as response:",
    "    print(response.status, response.read().decode())",
  ].join("\n");
}

/** What `fetch` is called with. @param variable how the language reads one of the environment */
function fetched(call: Call, headers: readonly (readonly [string, string])[], variable: (name: string) => string) {
  const { body, method } = call;
  const parts = partsOf(call);
  const address = parts.every((part) => "text" in part)
    ? literal(parts.map(({ text }) => text).join(""))
    : `\`${parts.map((part) => ("text" in part ? part.text : `\${${variable(part.variable)}}`)).join("")}\``;
  const sent =
    body === undefined
      ? undefined
      : "text" in body
        ? literal(body.text)
        : `JSON.stringify(${indented(JSON.stringify(body.json, null, 2), "  ")})`;
  const lines = [
    ...(call.withoutKey === true ? [] : [`authorization: \`Bearer \${${variable("TRIGGERS_API_KEY")}}\`,`]),
    ...(sent === undefined ? [] : ['"content-type": "application/json",']),
    ...headers.map(([name, value]) => `${literal(name)}: ${literal(value)},`),
  ];
  const options = [
    ...(method === "GET" ? [] : [`  method: ${literal(method)},`]),
    ...(lines.length === 0 ? [] : ["  headers: {", ...lines.map((line) => `    ${line}`), "  },"]),
    ...(sent === undefined ? [] : [`  body: ${sent},`]),
  ];
  return options.length === 0 ? `fetch(${address})` : `fetch(${address}, {\n${options.join("\n")}\n})`;
}

const IN_A_PAGE =
  "// In a web page: TRIGGERS_API_KEY is a key with `allowed_origins`, which may send events and nothing else.";
const ON_THIS_ORIGIN =
  "// In a page of the platform itself, as these are: other pages may send events and nothing else.";

/** Code in one language for any call. Where the call names no `url`, the code reads `TRIGGERS_URL`. */
export function callSnippet(language: Language, call: Call): string {
  const { idempotencyKey: key } = call;
  const headers: (readonly [string, string])[] = key === undefined || key === "" ? [] : [["idempotency-key", key]];
  switch (language) {
    case "curl":
      return curl(
        call,
        headers.map(([name, value]) => `${name}: ${value}`),
      );
    case "Python":
      return python(call, headers);
    case "Node.js":
      return [
        `const response = await ${fetched(call, headers, (name) => `process.env.${name}`)};`,
        "console.log(response.status, await response.text());",
      ].join("\n");
    case "JavaScript":
      return [
        ...(call.withoutKey === true
          ? []
          : [call.method === "POST" && call.path === "/events" ? IN_A_PAGE : ON_THIS_ORIGIN]),
        fetched(call, headers, (name) => name),
        "  .then(async (response) => console.log(response.status, await response.text()));",
      ].join("\n");
  }
}

/** Code in one language that sends what the composer sends: byte for byte. */
export const snippet = (language: Language, { url, body, idempotencyKey }: Sending): string =>
  callSnippet(language, { method: "POST", url, path: "/events", body: { text: body }, idempotencyKey });
