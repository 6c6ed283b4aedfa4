/** What the AWS provider lets a program say, read from its declarations: the arguments that speak of safety. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const provider = join(import.meta.dirname, "../../node_modules/@pulumi/aws");

interface Source {
  readonly text: string;
  readonly interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>;
}

/** The interfaces of a file of declarations by name, those in namespaces as `rds.ProxyAuth`. */
function sourceOf(file: string): Source {
  const text = readFileSync(join(provider, file), "utf8");
  const interfaces = new Map<string, ts.InterfaceDeclaration>();
  const add = (statements: readonly ts.Statement[], prefix: string) => {
    for (const statement of statements) {
      if (ts.isInterfaceDeclaration(statement)) interfaces.set(`${prefix}${statement.name.text}`, statement);
      if (ts.isModuleDeclaration(statement) && statement.body !== undefined && ts.isModuleBlock(statement.body))
        add(statement.body.statements, `${prefix}${statement.name.text}.`);
    }
  };
  add(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false).statements, "");
  return { text, interfaces };
}

/** Words of an argument's path that make it one to look at: encryption, keys of data, TLS, identity, who may reach it. */
const telling = new Set(
  (
    "accessible acl acls auth authentication authorization bypass cidr cmk deletion encrypted encryption force grants " +
    "iam insecure ipv4 ipv6 kms ownership password policy principal protocol protocols public publicly rotation secure " +
    "sse ssl tls transit unencrypted"
  ).split(" "),
);
const wordsOf = (path: string): string[] =>
  path
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[. ]/);

/** Deepest nesting that is looked at; what is nested deeper is recursive. */
const DEEPEST = 5;

/** Every such argument of resource types, `type path`. @param types Pulumi tokens, `aws:sqs/queue:Queue` */
export function argumentsOf(types: readonly string[]): string[] {
  const nested = sourceOf("types/input.d.ts");
  const below = (
    source: Source,
    declaration: ts.InterfaceDeclaration | undefined,
    path: string,
    depth: number,
  ): string[] =>
    (declaration?.members ?? []).flatMap((member) => {
      if (!ts.isPropertySignature(member) || member.type === undefined || depth > DEEPEST) return [];
      const own = `${path}${(member.name as ts.Identifier).text}`;
      const [, inner] = /\binputs\.([\w.]+)/.exec(source.text.slice(member.type.pos, member.type.end)) ?? [];
      if (inner !== undefined) return below(nested, nested.interfaces.get(inner), `${own}.`, depth + 1);
      return wordsOf(own).some((word) => telling.has(word)) ? [own] : [];
    });
  return types.flatMap((type) => {
    const [, module, name] = type.split(":");
    const source = sourceOf(`${module}.d.ts`);
    return below(source, source.interfaces.get(`${name}Args`), "", 0).map((path) => `${type} ${path}`);
  });
}
