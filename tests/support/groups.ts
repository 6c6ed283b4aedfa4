/**
 * Which test files share a process. Those of a folder do, as they mostly import the same. An end-to-end test says its group
 * itself, in a line of its own.
 * @example // group: shared 1
 */
export const groupNames = [
  /** These two take longest, so they begin first: one shares a booted platform, the other starts platforms of its own. */
  "shared 1",
  "own platform 2",
  /** Share a booted platform and a browser: every page in every look. */
  "browser 1",
  "browser 2",
  "browser 3",
  /** Wait long for retries and timeouts. */
  "patient 1",
  "patient 2",
  /** Share a booted platform; those of the third start many programs. */
  "shared 2",
  "shared 3",
  /** Start platforms of their own, one after another. */
  "own platform 1",
  "own platform 3",
  "own platform 4",
] as const;
export type Group = (typeof groupNames)[number];

/** Matches `// group: own platform 2`. */
const GROUP = /^\/\/ group: (.*)$/m;

/** @throws Error that names a file in tests/endToEnd without a group, or with one that is none */
export function endToEndGroups(
  files: readonly string[],
  textOf: (file: string) => string,
): ReadonlyMap<Group, readonly string[]> {
  return Map.groupBy(files, (file) => {
    const group = GROUP.exec(textOf(file))?.[1];
    if (!groupNames.includes(group as Group))
      throw new Error(
        `${file} needs a line "// group: <name>" with one of: ${groupNames.join(", ")}${group === undefined ? "" : `; "${group}" is none of them`}`,
      );
    return group as Group;
  });
}

/**
 * At most so many files of a folder share a process: more would leave other processors idle at the end. Those of
 * `tests/components` fit into one, which computes the resource graph of each stack once for all of them.
 */
const CHUNK = 12;

/** A folder of tests, with the folders in it. */
const folderOf = (file: string): string => /^tests\/(runtime\/\w+|\w+)(?=\/)/.exec(file)![0];

/** @returns the files of unit tests by process: those of a folder and of the folders in it, in even parts of at most `CHUNK` */
export const unitProcesses = (files: readonly string[]): string[][] =>
  [...Map.groupBy(files, folderOf).values()].flatMap((inFolder) => {
    const parts = Math.ceil(inFolder.length / CHUNK);
    const size = Math.ceil(inFolder.length / parts);
    return Array.from({ length: parts }, (_, at) => inFolder.slice(at * size, at * size + size));
  });
