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
/**
 * Above this size, in bytes, glibc takes memory from the system and gives it back when it is freed. It would raise this by itself, up to 32 MB, and keep
 * what large bodies took. It reads this variable when a process begins. docs/decisions/heaps.md
 */
const MEMORY = { MALLOC_MMAP_THRESHOLD_: "262144" };
// A parent that sends messages would lose the channel.
if (process.platform === "linux" && process.env.MALLOC_MMAP_THRESHOLD_ === undefined && process.channel === undefined)
  process.execve(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    ...process.env,
    ...MEMORY,
  });
// Before anything is loaded: with a cold disk that alone takes seconds.
process.stdout.write("starting: the program of index.ts on this machine, in a few seconds (Ctrl-C stops it)\n");
enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/triggers/compiled"));
await import("./start.ts");
