/** `npm run docs`: writes what is generated from the program, so that it can't lag behind: pages, and types of the SDKs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { contractFiles } from "./contract.ts";
import { generatedPages } from "./pages.ts";

const pages = Object.entries(await generatedPages()).map(([file, text]) => [`docs/${file}`, text] as const);
for (const [file, text] of [...pages, ...Object.entries(await contractFiles())]) {
  writeFileSync(join(import.meta.dirname, "..", file), text);
  console.log(file);
}
process.exit(0);
