import { own } from "./byName.ts";

/** XML as AWS writes and reads it: elements and text only. */
export type Xml = string | number | boolean | undefined | readonly Xml[] | { readonly [name: string]: Xml };

const escapeXml = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are written as references
  text.replace(/[<>&"\x00-\x1f]/g, (c) => `&#${c.charCodeAt(0)};`);

/** A list makes its element repeat; undefined leaves it out. */
function toXml(name: string, value: Xml): string {
  if (value === undefined) return "";
  if (Array.isArray(value)) return value.map((one) => toXml(name, one as Xml)).join("");
  const inner =
    typeof value === "object"
      ? Object.entries(value as Record<string, Xml>)
          .map(([member, one]) => toXml(member, one))
          .join("")
      : escapeXml(String(value));
  return `<${name}>${inner}</${name}>`;
}

/** @param namespace of the service. @default S3's */
export const document = (name: string, value: Xml, namespace = "http://s3.amazonaws.com/doc/2006-03-01/"): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n${toXml(name, value).replace(`<${name}>`, `<${name} xmlns="${namespace}">`)}`;

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

const unescapeXml = (text: string): string =>
  text.replace(/&(#x?)?([0-9a-zA-Z]+);/g, (all, number: string | undefined, code: string) =>
    number === undefined
      ? (own(NAMED, code) ?? all)
      : String.fromCodePoint(Number.parseInt(code, number === "#x" ? 16 : 10)),
  );

/** The contents of each `<name>` element, as they stand. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?>([\\s\\S]*?)</${name}>`, "g"))].map((match) => match[1]!);
}

/** The text of the first `<name>` element. */
export function textOf(xml: string, name: string): string | undefined {
  const first = elements(xml, name)[0];
  return first === undefined ? undefined : unescapeXml(first);
}
