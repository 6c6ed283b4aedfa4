import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { StartError } from "./startError.ts";

/** A small JSON document in the state, replaced as a whole: a SIGKILL leaves the old one or the new one, never half of one. */
export class JsonFile<T> {
  readonly #path: string;
  value: T;

  constructor(path: string, fallback: T) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.value = fallback;
    try {
      this.value = JSON.parse(readFileSync(path, "utf8")) as T;
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "ENOENT")
        throw new StartError(
          `${path} can't be read: ${(thrown as Error).message}.\nPut back a copy of it: keys and secrets are in there, and without them nothing of this state can be used. "npm start -- --fresh" begins anew, and deletes every event.`,
          { cause: thrown },
        );
    }
  }

  save(): void {
    // Secrets may be in it: for its owner alone.
    writeFileSync(`${this.#path}.new`, JSON.stringify(this.value), { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
  }
}
