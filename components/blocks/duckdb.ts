import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./bundle.ts";

const PACKAGES = "node_modules/@duckdb";

/**
 * DuckDB's own code beside a bundle, which can't hold it: the loader, and the library of every platform that is installed. npm installs
 * the machine's own; docs/deploy.md says how a machine of another kind gets the one that Lambda needs, `linux-arm64`.
 * @returns path of each file, by its path in the archive
 */
export function duckdbFiles(): Readonly<Record<string, string>> {
  const names = readdirSync(join(root, PACKAGES)).filter((name) => name.startsWith("node-bindings"));
  const files = names.flatMap((name) =>
    readdirSync(join(root, PACKAGES, name))
      .filter((file) => /\.(js|json|node|so|dylib|dll)$/.test(file))
      .map((file) => `${PACKAGES}/${name}/${file}`),
  );
  // The loader asks it which C library there is.
  const libc = readdirSync(join(root, "node_modules/detect-libc/lib")).map(
    (file) => `node_modules/detect-libc/lib/${file}`,
  );
  const all = [...files, "node_modules/detect-libc/package.json", ...libc];
  return Object.fromEntries(all.filter((file) => existsSync(join(root, file))).map((file) => [file, join(root, file)]));
}
