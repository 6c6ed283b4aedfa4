import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { test } from "uvu";
import { serverOf } from "../../cli/src/mcp/server.ts";
import { contractDocument } from "../../program/contract.ts";

interface Schema {
  readonly $ref?: string;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}
interface Operation {
  readonly parameters: readonly { readonly name: string; readonly schema: Schema }[];
  readonly requestBody: { readonly content: { readonly "application/json": { readonly schema: Schema } } };
}

const document = await contractDocument();
const operation = (method: string, path: string) => document.paths[path]![method] as unknown as Operation;
const parameter = (method: string, path: string, named: string): Schema =>
  operation(method, path).parameters.find(({ name }) => name === named)!.schema;

/** Every enumeration in a schema, by the names that lead to it. Null is a value in one spelling of JSON Schema, and a type in another. */
function enumsOf(schema: Schema, at: string): [at: string, values: readonly unknown[]][] {
  if (schema.$ref !== undefined) return enumsOf(document.components.schemas[schema.$ref.split("/").at(-1)!]!, at);
  return [
    ...(schema.enum === undefined
      ? []
      : [[at, schema.enum.filter((value) => value !== null)] as [string, readonly unknown[]]]),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, member]) => enumsOf(member, `${at}.${name}`)),
    ...(schema.items === undefined ? [] : enumsOf(schema.items, at)),
    ...(schema.anyOf ?? []).flatMap((one) => enumsOf(one, at)),
  ];
}

test("what the tools of the MCP server let an assistant choose from is what the API takes", async () => {
  const [here, there] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1" });
  await Promise.all([serverOf({} as never, { sandbox: () => undefined }).connect(there), client.connect(here)]);
  const { tools } = await client.listTools();
  await client.close();
  const { properties } = operation("post", "/metrics/query").requestBody.content["application/json"].schema;
  const { measures, interval, group_by, filter } = properties!;
  assert.deepEqual(
    Object.fromEntries(tools.flatMap(({ name, inputSchema }) => enumsOf(inputSchema as Schema, name))),
    Object.fromEntries([
      ...enumsOf(parameter("get", "/inbox", "status"), "find_events.status"),
      ...enumsOf({ properties: { measures, interval, group_by, filter } as Record<string, Schema> }, "metrics"),
      ...enumsOf(parameter("get", "/problems", "state"), "problems.state"),
    ]),
  );
});

test.run();
