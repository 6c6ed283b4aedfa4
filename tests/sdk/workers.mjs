/**
 * Runs the conformance table in the runtime of Cloudflare Workers, as runner.mjs does it in others. The first argument is the module
 * Miniflare, the second the SDK as it was installed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { argv, stdin, stdout } from "node:process";
import { pathToFileURL } from "node:url";

const [, , miniflareFile, sdkFile] = argv;
const { Miniflare } = await import(pathToFileURL(miniflareFile).href);
const scripts = [
  ...["worker.mjs", "cases.mjs"].map((name) => join(import.meta.dirname, name)),
  ...readdirSync(dirname(sdkFile))
    .filter((name) => name.endsWith(".js"))
    .map((name) => join(dirname(sdkFile), name)),
];
const miniflare = new Miniflare({
  compatibilityDate: "2026-01-01",
  modules: scripts.map((file) => ({ type: "ESModule", path: basename(file), contents: readFileSync(file, "utf8") })),
});
let input = "";
for await (const chunk of stdin.setEncoding("utf8")) input += chunk;
const answer = await miniflare.dispatchFetch("http://worker/", { method: "POST", body: input });
stdout.write(await answer.text());
await miniflare.dispose();
