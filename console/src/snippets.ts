/** Code that sends an event, to run as it is: the key comes from the environment, so no secret is copied along. Pure; tests run each. */

export interface Sending {
  /** Of the platform, without a slash at the end. */
  readonly url: string;
  /** JSON text. */
  readonly body: string;
  readonly idempotencyKey?: string | undefined;
}

export const languages = ["curl", "Python", "Node.js", "JavaScript"] as const;
export type Language = (typeof languages)[number];

const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
/** A literal that Python and JavaScript read alike: JSON, with what ends a line in JavaScript of old escaped. */
const literal = (text: string): string =>
  JSON.stringify(text).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");

export function snippet(language: Language, { url, body, idempotencyKey }: Sending): string {
  const key = idempotencyKey === undefined || idempotencyKey === "" ? undefined : idempotencyKey;
  switch (language) {
    case "curl":
      return [
        `curl -sS ${shell(`${url}/events`)} \\`,
        '  -H "authorization: Bearer $TRIGGERS_API_KEY" \\',
        "  -H 'content-type: application/json' \\",
        ...(key === undefined ? [] : [`  -H ${shell(`idempotency-key: ${key}`)} \\`]),
        `  --data-binary ${shell(body)}`,
      ].join("\n");
    case "Python":
      return [
        "import os",
        "import urllib.request",
        "",
        "request = urllib.request.Request(",
        `    ${literal(`${url}/events`)},`,
        `    data=${literal(body)}.encode(),`,
        "    headers={",
        '        "authorization": "Bearer " + os.environ["TRIGGERS_API_KEY"],',
        '        "content-type": "application/json",',
        ...(key === undefined ? [] : [`        "idempotency-key": ${literal(key)},`]),
        "    },",
        ")",
        "with urllib.request.urlopen(request) as response:",
        "    print(response.status, response.read().decode())",
      ].join("\n");
    case "Node.js":
      return [
        `const response = await fetch(${literal(`${url}/events`)}, {`,
        '  method: "POST",',
        "  headers: {",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the code that is shown
        "    authorization: `Bearer ${process.env.TRIGGERS_API_KEY}`,",
        '    "content-type": "application/json",',
        ...(key === undefined ? [] : [`    "idempotency-key": ${literal(key)},`]),
        "  },",
        `  body: ${literal(body)},`,
        "});",
        "console.log(response.status, await response.text());",
      ].join("\n");
    case "JavaScript":
      return [
        "// In a web page: TRIGGERS_API_KEY is a key with `allowed_origins`, which may send events and nothing else.",
        `fetch(${literal(`${url}/events`)}, {`,
        '  method: "POST",',
        "  headers: {",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the code that is shown
        "    authorization: `Bearer ${TRIGGERS_API_KEY}`,",
        '    "content-type": "application/json",',
        ...(key === undefined ? [] : [`    "idempotency-key": ${literal(key)},`]),
        "  },",
        `  body: ${literal(body)},`,
        "})",
        "  .then(async (response) => console.log(response.status, await response.text()));",
      ].join("\n");
  }
}
