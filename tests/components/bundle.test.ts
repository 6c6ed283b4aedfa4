import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import { bundle } from "../../components/blocks/bundle.ts";
import { duckdbFiles } from "../../components/blocks/duckdb.ts";
import { layInstances } from "../../local/lambda/instances.ts";
import { exampleGraph } from "../../program/graph.ts";

const KB = 1_000;

/** Hard ceilings in bytes: a cold start reads and compiles every one of them. */
const ceilings: [entry: string, most: number][] = [
  ["runtime/ingest/handler.ts", 375 * KB],
  ["runtime/edge/handler.ts", 400 * KB],
  ["runtime/route/handler.ts", 584 * KB],
  ["runtime/deliver/handler.ts", 970 * KB],
  ["runtime/deliver/sweeper.ts", 120 * KB],
  ["runtime/subscriptions/handler.ts", 1_150 * KB],
  ["runtime/console/handler.ts", 400 * KB],
  ["runtime/api/handler.ts", 2_700 * KB],
  ["runtime/cube/handler.ts", 1_500 * KB],
  ["runtime/live/admitHandler.ts", 450 * KB],
  ["runtime/live/handler.ts", 900 * KB],
  ["runtime/live/publishHandler.ts", 900 * KB],
];
for (const [entry, most] of ceilings) {
  test(`${entry} is bundled in at most ${most / KB} KB`, () => {
    const { bytes } = bundle(entry);
    assert.ok(bytes <= most, `${entry}: ${bytes} bytes`);
  });
}

/** A folder in which these platforms of DuckDB are installed. */
function installed(...platforms: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "duckdb-"));
  for (const name of ["node-bindings", ...platforms.map((platform) => `node-bindings-${platform}`)]) {
    const at = join(folder, "node_modules/@duckdb", name);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, "package.json"), '{"version":"1.5.6-r.1"}');
    writeFileSync(join(at, "duckdb.node"), "");
  }
  return folder;
}

const carried: [says: string, deployed: boolean, platforms: string[], carries: string[]][] = [
  ["to Lambda goes the library of Lambda's platform alone", true, ["linux-arm64", "linux-x64"], ["", "-linux-arm64"]],
  ["on this machine stands what is installed", false, ["darwin-arm64"], ["", "-darwin-arm64"]],
];
for (const [says, deployed, platforms, carries] of carried)
  test(`of DuckDB, ${says}`, () => {
    const folder = installed(...platforms);
    const files = Object.keys(duckdbFiles(deployed, folder)).filter((file) => file.includes("@duckdb"));
    rmSync(folder, { recursive: true });
    assert.deepEqual(
      files,
      carries.flatMap((of) =>
        ["duckdb.node", "package.json"].map((file) => `node_modules/@duckdb/node-bindings${of}/${file}`),
      ),
    );
  });

test("a deployment from a machine without DuckDB for Lambda stops, and says what to run", () => {
  const folder = installed("linux-x64");
  assert.throws(() => duckdbFiles(true, folder), {
    message:
      'the function cube needs DuckDB for Lambda\'s processor; run\n  npm install --no-save --os=linux --cpu=arm64 --libc=glibc "@duckdb/node-bindings-linux-arm64@1.5.6-r.1"',
  });
  rmSync(folder, { recursive: true });
});

test("a bundle is one ES module that exports its handler", () => {
  const { code, bytes } = bundle("runtime/route/handler.ts");
  assert.equal(statSync(code).size, bytes);
  assert.match(readFileSync(code, "utf8"), /export\s*\{[^}]*\bas handler\b/);
});

test("a bundle names its map, so that stack traces point at our sources", () => {
  const { code, map } = bundle("runtime/route/handler.ts");
  assert.equal(readFileSync(code, "utf8").trimEnd().split("\n").at(-1), "//# sourceMappingURL=index.mjs.map");
  const { sources } = JSON.parse(readFileSync(map, "utf8")) as { sources: string[] };
  assert.ok(sources.some((source) => source.endsWith("runtime/route/handler.ts")));
  const run = `await import(${JSON.stringify(code)}).catch(({ stack }) => console.log(stack))`;
  const flags = ["--enable-source-maps", "--input-type=module", "--eval", run];
  assert.match(
    execFileSync(process.execPath, flags, { encoding: "utf8", env: {} }),
    /runtime\/domain\/environment\.ts:\d+:\d+\)/,
  );
});

test("on one machine, the environments of every function share compiled code", async () => {
  const folder = mkdtempSync(join(tmpdir(), "instances-"));
  try {
    for (const [at, [entry]] of ceilings.entries()) {
      const module = join(folder, `module${at}.mjs`);
      copyFileSync(bundle(entry).code, module);
      assert.ok((await layInstances(module)) !== undefined, `${entry} is imported for each environment`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a bundle whose sources have not changed is not built again", () => {
  const { code } = bundle("runtime/deliver/sweeper.ts");
  const before = statSync(code).mtimeMs;
  assert.equal(bundle("runtime/deliver/sweeper.ts").code, code);
  assert.equal(statSync(code).mtimeMs, before);
});

test("every function finds exactly the variables that its stage declares", async () => {
  const declared = async (stage: string, list: string) =>
    [...((await import(`../../runtime/${stage}/environment.ts`)) as Record<string, readonly string[]>)[list]!].sort();
  const expected: Record<string, readonly string[]> = {
    admit: await declared("live", "admitVariables"),
    alert: await declared("alert", "alertVariables"),
    api: await declared("api", "apiVariables"),
    bootstrap: await declared("subscriptions", "bootstrapVariables"),
    console: await declared("console", "consoleVariables"),
    cube: await declared("cube", "cubeVariables"),
    deliver: await declared("deliver", "deliverVariables"),
    forget: await declared("ingest", "forgetVariables"),
    ingest: await declared("ingest", "ingestVariables"),
    live: await declared("live", "liveVariables"),
    retain: await declared("retain", "retainVariables"),
    probe: await declared("alert", "probeVariables"),
    publish: await declared("live", "publishVariables"),
    report: await declared("report", "reportVariables"),
    route: await declared("route", "routeVariables"),
    subscriptions: await declared("subscriptions", "subscriptionsVariables"),
    sweep: await declared("deliver", "sweepVariables"),
  };
  const graph = await exampleGraph("prod");
  const actual = graph.resources
    .filter(({ type, name }) => type === "aws:lambda/function:Function" && name !== "authenticate")
    .map(({ name, inputs }) => [
      name,
      Object.keys((inputs.environment as { variables: object }).variables)
        .filter((variable) => variable !== "NODE_OPTIONS")
        .sort(),
    ]);
  assert.deepEqual(Object.fromEntries(actual), expected);
});

test.run();
