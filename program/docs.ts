/** `npm run docs`: writes the pages that are generated from the program, so that they can't lag behind it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedPages } from "./pages.ts";

for (const [file, text] of Object.entries(await generatedPages())) {
  writeFileSync(join(import.meta.dirname, "../docs", file), text);
  console.log(`docs/${file}`);
}
process.exit(0);
