import { randomBytes } from "node:crypto";

export interface Lookups {
  /** In lower case, with letters and digits alone, so that it can stand anywhere. */
  readonly name: string;
  /** Lines of code that looked the name up on an object that has a prototype, or wrote it there. */
  readonly found: ReadonlySet<string>;
  /** Takes the name away again. */
  end(): void;
}

/**
 * A name to send wherever a caller may name something: no object has it, and who looks for it on a plain object is found. For
 * a name such as `__proto__` or `constructor` that line would get what is not its own.
 * @param folder what is watched, `/local/`
 */
export function watchLookups(folder: string): Lookups {
  const name = `name${randomBytes(6).toString("hex")}`;
  const found = new Set<string>();
  const note = () => {
    const frames = (new Error().stack ?? "").split("\n").slice(3);
    const line = frames.map((frame) => /(?:file:\/\/)?(\/[^():]+:\d+)/.exec(frame)?.[1]).find((at) => at !== undefined);
    if (line?.includes(folder)) found.add(line.slice(line.indexOf(folder) + 1));
  };
  Object.defineProperty(Object.prototype, name, {
    configurable: true,
    enumerable: false,
    get() {
      note();
      return undefined;
    },
    set(value: unknown) {
      note();
      Object.defineProperty(this, name, { value, configurable: true, enumerable: true, writable: true });
    },
  });
  return {
    name,
    found,
    end: () => Reflect.deleteProperty(Object.prototype, name),
  };
}
