/**
 * Stands for the package `@ioredis/commands` in bundles. ioredis makes two methods of each command that is listed, 600 in all, whenever an environment opens, and that
 * takes half of the time in which ingest opens. Functions send their commands by name (`call`), so only those are listed that ioredis sends itself when it connects.
 */
export const list = [
  "auth",
  "client",
  "hello",
  "info",
  "psubscribe",
  "readonly",
  "select",
  "ssubscribe",
  "subscribe",
] as const;

/** ioredis asks this about commands that are sent before the connection is ready, or under a common prefix of keys: here there are none. */
export const exists = (): boolean => false;

/** ioredis asks this, and the next, only about commands that exist. */
export function hasFlag(): never {
  throw new Error("no command is described here");
}

export function getKeyIndexes(): never {
  throw new Error("no command is described here");
}
