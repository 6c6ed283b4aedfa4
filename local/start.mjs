// The door of `npm start`: plain JavaScript, so that a Node.js too old to read TypeScript can still say so.
import { enableCompileCache } from "node:module";
import { join } from "node:path";

const NEEDED = 24;

if (Number(process.versions.node.split(".")[0]) < NEEDED) {
  process.stderr.write(
    `The platform needs Node.js ${NEEDED}, this is ${process.versions.node}.\n` +
      `Start it with "npm start", which uses the Node.js that "npm install" put into node_modules.\n`,
  );
  process.exit(1);
}
// Before anything is loaded: with a cold disk that alone takes seconds.
process.stdout.write("starting: the program of index.ts on this machine, in a few seconds (Ctrl-C stops it)\n");
enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/triggers/compiled"));
await import("./start.ts");
