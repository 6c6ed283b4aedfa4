import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What is read in /proc may end meanwhile. */
const unlessGone = <T>(read: () => T, otherwise: T): T => {
  try {
    return read();
  } catch {
    return otherwise;
  }
};

/** A process and all that it started. */
function familyOf(pid: number): number[] {
  const children = unlessGone(() => readdirSync(`/proc/${pid}/task`), []).flatMap((thread) =>
    unlessGone(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"), "")
      .split(" ")
      .filter((text) => text !== ""),
  );
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

/** Linux's state of a socket that takes connections. */
const LISTEN = "0A";

/** Ports on which a process, or one that it started, takes connections, in order. Only Linux tells. */
export function listeningPorts(pid: number): number[] {
  const ports = new Set<number>();
  for (const one of familyOf(pid)) {
    const held = new Set(
      unlessGone(() => readdirSync(`/proc/${one}/fd`), []).map((fd) =>
        unlessGone(() => readlinkSync(`/proc/${one}/fd/${fd}`), ""),
      ),
    );
    for (const table of ["tcp", "tcp6"])
      for (const line of unlessGone(() => readFileSync(`/proc/${one}/net/${table}`, "utf8"), "")
        .split("\n")
        .slice(1)) {
        const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
        if (state === LISTEN && held.has(`socket:[${inode}]`)) ports.add(Number.parseInt(local.split(":")[1]!, 16));
      }
  }
  return [...ports].sort((a, b) => a - b);
}
