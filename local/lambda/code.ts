/** The code of a function: the archive that the program declares, laid out in a folder as Lambda unpacks it. */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";

interface Entry {
  readonly path: string;
  readonly bytes: Buffer;
}

async function entriesOf(value: unknown, path: string): Promise<Entry[]> {
  const known = await value;
  if (pulumi.asset.StringAsset.isInstance(known)) {
    return [{ path, bytes: Buffer.from(await (known as pulumi.asset.StringAsset).text) }];
  }
  if (pulumi.asset.FileAsset.isInstance(known)) {
    return [{ path, bytes: readFileSync(await (known as pulumi.asset.FileAsset).path) }];
  }
  if (pulumi.asset.AssetArchive.isInstance(known)) {
    const assets = await (known as pulumi.asset.AssetArchive).assets;
    const inner = Object.entries(assets).map(([name, asset]) =>
      entriesOf(asset, path === "" ? name : `${path}/${name}`),
    );
    return (await Promise.all(inner)).flat();
  }
  throw new Error(`the code of a function must be an AssetArchive of file and string assets (at "${path || "code"}")`);
}

/**
 * Writes the archive to `<folder>/<hash of its content>` unless it is there already.
 * @returns the folder, and the size of all files in bytes
 */
export async function unpackCode(
  code: unknown,
  folder: string,
): Promise<{ directory: string; hash: string; size: number }> {
  const known = await code;
  if (pulumi.asset.FileArchive.isInstance(known))
    return copyFolder(await (known as pulumi.asset.FileArchive).path, folder);
  const entries = (await entriesOf(known, "")).sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash("sha256");
  for (const { path, bytes } of entries) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  const digest = hash.digest();
  const directory = join(folder, digest.toString("hex").slice(0, 16));
  if (!existsSync(directory)) {
    const partial = `${directory}.partial`;
    rmSync(partial, { recursive: true, force: true });
    for (const { path, bytes } of entries) {
      mkdirSync(dirname(join(partial, path)), { recursive: true });
      writeFileSync(join(partial, path), bytes);
    }
    renameSync(partial, directory);
  }
  return {
    directory,
    hash: digest.toString("base64"),
    size: entries.reduce((sum, { bytes }) => sum + bytes.length, 0),
  };
}

function copyFolder(path: string, folder: string): { directory: string; hash: string; size: number } {
  if (!statSync(path).isDirectory())
    throw new Error(`the code archive ${path} is not a folder: zip files are not read locally`);
  const directory = join(folder, "folder");
  rmSync(directory, { recursive: true, force: true });
  cpSync(path, directory, { recursive: true });
  return { directory, hash: path, size: 0 };
}
