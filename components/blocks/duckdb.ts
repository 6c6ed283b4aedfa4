import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { root } from "./bundle.ts";

const PACKAGES = "node_modules/@duckdb";
/** The loader, which takes the library of the platform that it runs on. */
const LOADER = "node-bindings";
/** The library of the platform that functions run on (handler.ts). */
const LAMBDAS = `${LOADER}-linux-arm64`;

/**
 * DuckDB's own code beside a bundle, which can't hold it: the loader, and the library of Lambda's platform. On this machine it is the
 * library that npm has installed here, which is the machine's own.
 * @param deployed whether the code goes to Lambda @param from folder with `node_modules/@duckdb`
 * @returns path of each file, by its path in the archive
 * @throws RunError when the library of Lambda's platform is not installed: the function would fail at its first run
 */
export function duckdbFiles(
  deployed = pulumi.runtime.getEngine() !== undefined,
  from = root,
): Readonly<Record<string, string>> {
  const installed = readdirSync(join(from, PACKAGES)).filter((name) => name.startsWith(LOADER));
  if (deployed && !installed.includes(LAMBDAS)) {
    const manifest = readFileSync(join(from, PACKAGES, LOADER, "package.json"), "utf8");
    const { version } = JSON.parse(manifest) as { version: string };
    throw new pulumi.RunError(
      `the function cube needs DuckDB for Lambda's processor; run\n  npm install --no-save --os=linux --cpu=arm64 --libc=glibc "@duckdb/${LAMBDAS}@${version}"`,
    );
  }
  const names = deployed ? [LOADER, LAMBDAS] : installed;
  const files = names.flatMap((name) =>
    readdirSync(join(from, PACKAGES, name))
      .filter((file) => /\.(js|json|node|so|dylib|dll)$/.test(file))
      .map((file) => [`${PACKAGES}/${name}/${file}`, join(from, PACKAGES, name, file)] as const),
  );
  // The loader asks it which C library there is.
  const libc = ["package.json", ...readdirSync(join(root, "node_modules/detect-libc/lib")).map((file) => `lib/${file}`)]
    .map((file) => `node_modules/detect-libc/${file}`)
    .filter((file) => existsSync(join(root, file)))
    .map((file) => [file, join(root, file)] as const);
  return Object.fromEntries([...files, ...libc]);
}
