/** Files that this machine makes once for all states: in `node_modules`, so they go with the packages. */
import { join } from "node:path";

const root = join(import.meta.dirname, "../node_modules/.cache/triggers");

export const cacheFolder = (name: string): string => join(root, name);

/**
 * The environment of a thread that runs the platform's own TypeScript: empty but for where its compiled code is kept. Without
 * that, each thread would load the compiler that strips types, only to strip the same ones again.
 */
export const threadEnvironment = (): Record<string, string> => ({ NODE_COMPILE_CACHE: cacheFolder("compiled") });
