/** What is being written in a selector: which member's members could follow. Pure. */

export interface Path {
  /** `$.lines[*]`: the members below it are what could follow. */
  readonly path: string;
  /** Where the name begins that is being written. */
  readonly from: number;
}

const steps = (text: string): string =>
  text
    .replaceAll(/\[(?:\d+|\*|-\d+)\]/g, "[*]")
    .replaceAll(/\["([^"]+)"\]|\['([^']+)'\]/g, (_, a: string | undefined, b: string | undefined) => `.${a ?? b}`)
    .replaceAll("?", "");

/** CEL: `event.customer.em|`. */
export function celPath(before: string): Path | undefined {
  const found = /(?:^|[^\w.])event((?:\.\??\w+|\[[^\]]*\])*)\.\??(\w*)$/.exec(before);
  if (found === null) return undefined;
  return { path: `$${steps(found[1]!)}`, from: before.length - found[2]!.length };
}

/** JSONPath: `$.lines[?@.qt|`; `@` is an element of the list that the filter stands behind. */
export function jsonPathPath(before: string): Path | undefined {
  const found = /([$@])((?:\.\w+|\[[^\]?]*\])*)\.(\w*)$/.exec(before);
  if (found === null) return undefined;
  const from = before.length - found[3]!.length;
  if (found[1] === "$") return { path: `$${steps(found[2]!)}`, from };
  const filter = before.slice(0, found.index).lastIndexOf("[?");
  const list = /\$((?:\.\w+|\[[^\]?]*\])*)$/.exec(before.slice(0, Math.max(0, filter)));
  return list === null ? undefined : { path: `$${steps(list[1]!)}[*]${steps(found[2]!)}`, from };
}
