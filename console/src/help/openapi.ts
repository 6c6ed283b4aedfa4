/** What the drawer reads of the platform's own description, `/openapi.json`. Pure. */

type Json = Readonly<Record<string, unknown>>;

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Json>> };
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: Json;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: Json }>> }
    >
  >;
}

/** One row that describes a member, a parameter or a header. */
export interface Member {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly says: string;
}

export interface Reference {
  readonly call: string;
  readonly summary: string;
  readonly says: string;
  readonly parameters: readonly Member[];
  readonly body: readonly Member[];
  readonly answers: readonly { readonly status: string; readonly says: string; readonly members: readonly Member[] }[];
  /** Codes of the catalog that it may answer. */
  readonly codes: readonly string[];
}

const MOST_MEMBERS = 40;

function resolved(schema: Json | undefined, { components }: OpenApi): Json {
  const name = typeof schema?.$ref === "string" ? schema.$ref.split("/").at(-1)! : undefined;
  return (name === undefined ? schema : components?.schemas?.[name]) ?? {};
}

/** A schema in a few words: `string`, `"a" or "b"`, `list of Event`. */
function typeOf(schema: Json | undefined): string {
  if (schema === undefined) return "";
  if (typeof schema.$ref === "string") return schema.$ref.split("/").at(-1)!;
  const options = (schema.anyOf ?? schema.oneOf) as readonly Json[] | undefined;
  if (options !== undefined) return [...new Set(options.map(typeOf))].join(" or ");
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${typeOf(schema.items as Json) || "anything"}`;
  return [schema.type ?? "anything"].flat().join(" or ");
}

function membersOf(schema: Json | undefined, document: OpenApi): Member[] {
  const whole = resolved(schema, document);
  if (whole.type === "array") return membersOf(whole.items as Json, document);
  const required = new Set((whole.required ?? []) as readonly string[]);
  return Object.entries((whole.properties ?? {}) as Readonly<Record<string, Json>>)
    .slice(0, MOST_MEMBERS)
    .map(([name, member]) => ({
      name,
      type: typeOf(member),
      required: required.has(name),
      says: (member.description as string | undefined) ?? "",
    }));
}

/** @param call `POST /events` @returns undefined for one that the document does not know */
export function referenceOf(call: string, document: OpenApi): Reference | undefined {
  const [method = "", path = ""] = call.split(" ");
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (operation === undefined) return undefined;
  const { summary = "", description = "", parameters = [], requestBody, responses } = operation;
  const answers = Object.entries(responses);
  return {
    call,
    summary,
    says: description,
    parameters: parameters.map(({ name, required = false, description: says = "", schema }) => ({
      name,
      type: typeOf(schema),
      required,
      says: says === "" ? ((schema?.description as string | undefined) ?? "") : says,
    })),
    body: membersOf(Object.values(requestBody?.content ?? {})[0]?.schema, document),
    answers: answers
      .filter(([status]) => Number(status) < 400)
      .map(([status, { description: says, content }]) => ({
        status,
        says,
        members: membersOf(Object.values(content ?? {})[0]?.schema, document),
      })),
    codes: answers
      .filter(([status]) => Number(status) >= 400)
      .flatMap(([, { description: says }]) => [...says.matchAll(/`(\w+)`/g)].map(([, code]) => code!)),
  };
}
