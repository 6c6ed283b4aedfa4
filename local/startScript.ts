/** What `npm start` runs, without npm between. */
import project from "../package.json" with { type: "json" };

const words = project.scripts.start.split(" ").slice(1);

/** Options of Node.js. */
export const startFlags: readonly string[] = words.filter((word) => word.startsWith("--"));
export const startCommand: readonly string[] = [process.execPath, ...words];
