import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, normalize } from "node:path";
import { test } from "uvu";

/** One import of a source file: what it names, resolved to a path of the project, and whether types are all it takes. */
interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const importing =
  /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'"();]*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["'`]([^"'`]+)["'`]/g;

/** Every import of a source text. A target that starts with a dot becomes a path from the project's root. */
function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(importing)].map((match) => {
    const target = (match[2] ?? match[3])!;
    return {
      file,
      target: target.startsWith(".") ? normalize(join(dirname(file), target)) : target,
      typeOnly: match[1] !== undefined,
    };
  });
}

const files = [
  "index.ts",
  "standby.ts",
  ...globSync([
    "components/**/*.ts",
    "runtime/**/*.{ts,js}",
    "local/**/*.ts",
    "policies/**/*.ts",
    "program/**/*.ts",
    "operations/**/*.ts",
  ]),
];
const imports = files.flatMap((file) => importsOf(file, readFileSync(file, "utf8")));

const nodeIo =
  /^node:(fs|net|http|https|http2|tls|dns|child_process|worker_threads|dgram|cluster|readline|process|os)\b/;
const cloud = /^@aws-sdk\/|^@smithy\/|^@pulumi\/|^@aws-lambda-powertools\//;
const stages = ["edge", "ingest", "route", "deliver", "retain", "standby", "subscriptions", "api", "live"];

/** Folder below runtime/ in which a path lies. */
const stageOf = (path: string): string | undefined => /^runtime\/([^/]+)\//.exec(path)?.[1];
/** What a stage shares with others: its environment, which the program reads, and types. */
const shared = (target: string): boolean => target.endsWith("/environment.ts");

/** What the rest of the local platform may take from its folder `product`: what to start, and how a refusal looks. */
const PRODUCT_DOORS = new Set(["local/product/platform.ts", "local/product/ownAnswer.ts"]);
/** What the commands of an operator may take from the local platform. */
const OPERATOR_DOORS = new Set(["local/platform/state.ts", "local/arguments.ts"]);
/** Knows nothing of the product, so every room but the policy pack may use it. */
const PLAIN_LANGUAGE = "runtime/domain/defined.ts";
/** Who knows the keys and attributes of a table, and so may read and write it. */
const TABLE_OWNERS = [
  "runtime/store/",
  "runtime/counters/",
  "runtime/keys/",
  "runtime/sockets/",
  "runtime/console/sessions.ts",
  "runtime/console/sends.ts",
];

const rules: [says: string, broken: (one: Import) => boolean][] = [
  [
    "the shared language and the matcher import nothing of AWS, Pulumi or Node I/O, types aside",
    ({ file, target, typeOnly }) =>
      /^runtime\/(domain|matching)\//.test(file) && !typeOnly && (cloud.test(target) || nodeIo.test(target)),
  ],
  [
    "the shared language and the matcher import no stage",
    ({ file, target }) =>
      /^runtime\/(domain|matching)\//.test(file) &&
      stageOf(target) !== undefined &&
      !["domain", "matching"].includes(stageOf(target)!),
  ],
  [
    "a stage never imports another stage",
    ({ file, target }) => {
      const [from, to] = [stageOf(file), stageOf(target)];
      return from !== to && stages.includes(from ?? "") && stages.includes(to ?? "") && !shared(target);
    },
  ],
  [
    "components import nothing of handlers but the types of their settings",
    ({ file, target, typeOnly }) =>
      file.startsWith("components/") && target.startsWith("runtime/") && !typeOnly && target !== PLAIN_LANGUAGE,
  ],
  [
    "a building block knows only building blocks and the stack's settings, never a component that is built of it",
    ({ file, target, typeOnly }) =>
      file.startsWith("components/blocks/") &&
      /^components\//.test(target) &&
      !/^components\/(blocks|stack)\//.test(target) &&
      !typeOnly,
  ],
  [
    "handlers know nothing of the program, the local platform or the policies",
    ({ file, target }) =>
      file.startsWith("runtime/") &&
      /^(components|local|policies|program|operations)\/|^(index|standby)\.ts/.test(target),
  ],
  [
    "the local platform knows AWS's types, never our components or the commands of an operator",
    ({ file, target }) => file.startsWith("local/") && /^(components|policies|program|operations)\//.test(target),
  ],
  [
    "of the local platform only what is in its folder `product` knows this product; the rest runs any program",
    ({ file, target, typeOnly }) =>
      file.startsWith("local/") &&
      !file.startsWith("local/product/") &&
      ((target.startsWith("runtime/") && !typeOnly && target !== PLAIN_LANGUAGE) ||
        (target.startsWith("local/product/") && !typeOnly && !PRODUCT_DOORS.has(target))),
  ],
  [
    "the policy pack imports nothing of this project outside its folder, since Pulumi publishes that folder alone",
    ({ file, target }) =>
      file.startsWith("policies/") &&
      file !== "policies/compliance.ts" &&
      /^[\w-]+\//.test(target) &&
      existsSync(target) &&
      !target.startsWith("policies/"),
  ],
  [
    "DynamoDB's client is imported by the room for AWS alone: all others say what they want of a table",
    ({ file, target, typeOnly }) =>
      file.startsWith("runtime/") &&
      target.startsWith("@aws-sdk/client-dynamodb") &&
      !typeOnly &&
      stageOf(file) !== "aws",
  ],
  [
    "a table is asked only by the room that owns it: the events, the metrics, the API keys, sockets, the console's sessions",
    ({ file, target, typeOnly }) =>
      target === "runtime/aws/tables.ts" && !typeOnly && !TABLE_OWNERS.some((owner) => file.startsWith(owner)),
  ],
  [
    "PostgreSQL is touched only by the subscriptions service and the API",
    ({ file, target }) =>
      file.startsWith("runtime/") &&
      /^(pg|kysely|node-pg-migrate)(\/|$)|^runtime\/database\//.test(target) &&
      !["subscriptions", "api", "database"].includes(stageOf(file)!),
  ],
  [
    "the client of Redis is touched in one room, since a bundle has few of its methods",
    ({ file, target }) => file.startsWith("runtime/") && /^ioredis/.test(target) && stageOf(file) !== "redis",
  ],
  [
    "the room for Redis is used by ingest and the API alone",
    ({ file, target, typeOnly }) =>
      file.startsWith("runtime/") &&
      target.startsWith("runtime/redis/") &&
      !typeOnly &&
      !["redis", "ingest", "api"].includes(stageOf(file)!),
  ],
  [
    "what operators run knows of the handlers only the shared language, and of the local platform only types, its state files and how it reads options",
    ({ file, target, typeOnly }) =>
      file.startsWith("operations/") &&
      (/^(components|policies|program)\//.test(target) ||
        (target.startsWith("local/") && !OPERATOR_DOORS.has(target) && !typeOnly) ||
        (target.startsWith("runtime/") && !target.startsWith("runtime/domain/"))),
  ],
  [
    "nothing imports a Node module without its prefix",
    ({ target }) => builtinModules.includes(target.split("/")[0]!) && !/^node:|\.tsx?$/.test(target),
  ],
];
for (const [says, broken] of rules) {
  test(says, () =>
    assert.deepEqual(
      imports.filter(broken).map(({ file, target }) => `${file} imports ${target}`),
      [],
    ),
  );
}

test("components/ holds the five components of an event's way, everything else has a folder below", () =>
  assert.deepEqual(globSync("components/*.ts").sort(), [
    "components/deliveryEngine.ts",
    "components/eventPipeline.ts",
    "components/ingestEdge.ts",
    "components/retention.ts",
    "components/subscriptionStore.ts",
  ]));

test("no test reads a stack file at the root: those are people's own, and a setting in one must break no test", () =>
  assert.deepEqual(
    globSync("tests/**/*.ts").filter(
      (file) =>
        file !== "tests/house/imports.test.ts" &&
        /\bstackConfig\(|\bPulumi\.(dev|local|prod)/.test(readFileSync(file, "utf8")),
    ),
    [],
  ));

test("a stage that sends a command of its own, or asks a table itself, is found", () => {
  const made = importsOf(
    "runtime/deliver/handler.ts",
    [
      'import { PutItemCommand } from "@aws-sdk/client-dynamodb";',
      'import { putItem, type Table } from "../aws/tables.ts";',
      'import type { AttributeValue } from "@aws-sdk/client-dynamodb";',
      'import type { Table } from "../aws/tables.ts";',
    ].join("\n"),
  );
  assert.deepEqual(
    made.filter((one) => rules.some(([, broken]) => broken(one))).map(({ target, typeOnly }) => [target, typeOnly]),
    [
      ["@aws-sdk/client-dynamodb", false],
      ["runtime/aws/tables.ts", false],
    ],
  );
});

/** A file inside a package, such as `undici/lib/core/connect.js`, that its next version may move or change. */
const privateFile = /^((?:@[\w-]+\/)?[\w.-]+)\/(?:lib|dist(?:-\w+)?|src)\//;

/** @returns the packages of which private files are read, and whose version is a range */
const loose = (all: readonly Import[], versions: Readonly<Record<string, string>>): string[] => [
  ...new Set(
    all.flatMap(({ target }) => {
      const name = privateFile.exec(target)?.[1];
      return name !== undefined && /^[~^]/.test(versions[name] ?? "") ? [name] : [];
    }),
  ),
];

test("a package of which private files are read has one exact version", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.deepEqual(loose(imports, { ...dependencies, ...devDependencies }), []);
  const made = importsOf("runtime/a.ts", 'import b from "undici/lib/core/connect.js";\nimport { c } from "zod/mini";');
  assert.deepEqual(loose(made, { undici: "^8.0.0", zod: "^4.0.0" }), ["undici"]);
  assert.deepEqual(loose(made, { undici: "8.0.0", zod: "^4.0.0" }), []);
});

test("the check sees every way to import", () =>
  assert.deepEqual(
    importsOf(
      "runtime/route/handler.ts",
      [
        'import "../a.ts";',
        'import type { B } from "../b.ts";',
        'import {\n  c,\n} from "../c.ts";',
        'export * from "../d.ts";',
        'export type { E } from "../e.ts";',
        'const f = await import("../f.ts");',
        'import g, { type H } from "pg";',
      ].join("\n"),
    ).map(({ target, typeOnly }) => [target, typeOnly]),
    [
      ["runtime/a.ts", false],
      ["runtime/b.ts", true],
      ["runtime/c.ts", false],
      ["runtime/d.ts", false],
      ["runtime/e.ts", true],
      ["runtime/f.ts", false],
      ["pg", false],
    ],
  ));

test.run();
