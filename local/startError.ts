/** The reason why the start failed, in words for the person at the keyboard. It is printed without a stack trace. */
export class StartError extends Error {
  override readonly name = "StartError";
}

/** What the file system and SQLite say when a folder can't be used. Source of the latter: sqlite.org/rescode.html. */
const UNUSABLE = new Set([
  "ENOSPC",
  "EROFS",
  "EACCES",
  "EPERM",
  "ENOTDIR",
  "EEXIST",
  "EISDIR",
  "EDQUOT",
  "EIO",
  "EMFILE",
]);
const UNUSABLE_SQLITE = new Set([3, 8, 10, 13, 14]);

/** @returns a StartError that names the folder when its state can't be read or written; else the cause itself */
export function stateError(cause: unknown, folder: string): unknown {
  for (let one = cause; one instanceof Error; one = one.cause) {
    if (one.name === "StartError") return one;
    const { code, errcode } = one as { code?: string; errcode?: number };
    if (!UNUSABLE.has(code ?? "") && !UNUSABLE_SQLITE.has((errcode ?? 0) & 0xff)) continue;
    return new StartError(
      `The state in ${folder} can't be used: ${one.message}.\nSee that ${folder} is a folder with room that this user may write, or set TRIGGERS_STATE to another one.`,
      { cause },
    );
  }
  return cause;
}
