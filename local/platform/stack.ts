/** The project's name and the configuration of the stack `local`, as the Pulumi CLI would read them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export interface Stack {
  readonly name: string;
  /** Configuration with its namespace, values as text: `triggers:multiAz` -> `false`. */
  readonly config: Readonly<Record<string, string>>;
}

/** @throws Error when a file is missing or malformed */
export function readStack(project: string): Stack {
  const read = (file: string) => parse(readFileSync(join(project, file), "utf8")) as Record<string, unknown>;
  const name = String(read("Pulumi.yaml").name);
  const config = (read("Pulumi.local.yaml").config ?? {}) as Record<string, unknown>;
  return {
    name,
    config: Object.fromEntries(
      Object.entries(config).map(([key, value]) => [
        key.includes(":") ? key : `${name}:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  };
}
