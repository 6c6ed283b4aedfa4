/** The state folder: who uses it, which version wrote it, and what is remembered between runs beside the services' data. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { StartError } from "../startError.ts";

/** Changes when state of an earlier version can't be read any more. */
const STATE_VERSION = 1;

interface Remembered {
  readonly version: number;
  readonly receiver_port: number;
}

/** What `local.json` tells tools: see API.md, "Starting it". */
export interface LocalFile {
  readonly url: string;
  readonly api_key: string;
  readonly sandbox_key: string;
  readonly operator_key: string;
  readonly sink_url: string;
  readonly pid: number;
}

/** What `gateway.json` tells tools that speak to the stand-ins with an AWS SDK or `aws --endpoint-url`. */
export interface GatewayFile {
  readonly endpoint: string;
  /** May do everything; any secret key goes with it. */
  readonly access_key_id: string;
  /** The program's exports. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

export interface State {
  readonly directory: string;
  readonly receiverPort: number;
  rememberReceiver(port: number): void;
  /** Keys of the demo customer from an earlier run. */
  readLocal(): LocalFile | undefined;
  writeLocal(file: LocalFile): void;
  writeGateway(file: GatewayFile): void;
  /** Lets another process use the folder. */
  release(): void;
}

const readJson = <T>(path: string): T | undefined => {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return undefined;
  }
};

/** Whole or not at all, also when the process dies in between. */
function writeJson(path: string, value: unknown, mode: number): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode });
  renameSync(draft, path);
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM";
  }
};

/** @throws StartError when a living process holds the folder */
function lock(path: string): void {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    try {
      const file = openSync(path, "wx");
      writeSync(file, String(process.pid));
      closeSync(file);
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
    }
    const holder = Number(readFileSync(path, "utf8"));
    if (holder > 0 && holder !== process.pid && alive(holder)) {
      throw new StartError(
        `The state in ${path.replace(/.platform\.lock$/, "")} is in use by process ${holder}.\nStop that one first, or set TRIGGERS_STATE to another folder.`,
      );
    }
    rmSync(path, { force: true });
  }
  throw new StartError(`Could not take the lock ${path}.`);
}

/**
 * Opens the folder for this process.
 * @param fresh forgets everything that is there first
 * @throws StartError when another process uses it, or another version wrote it
 */
export function openState(directory: string, fresh: boolean): State {
  mkdirSync(directory, { recursive: true });
  const lockFile = join(directory, "platform.lock");
  lock(lockFile);
  const stateFile = join(directory, "state.json");
  const localFile = join(directory, "local.json");
  if (fresh) clear(directory, lockFile);
  let remembered = readJson<Remembered>(stateFile);
  if (remembered !== undefined && remembered.version !== STATE_VERSION) {
    rmSync(lockFile, { force: true });
    throw new StartError(
      `The state in ${directory} was written by another version of the platform (state version ${remembered.version}, this one reads ${STATE_VERSION}).\nRun "npm start -- --fresh" to begin anew, or set TRIGGERS_STATE to another folder.`,
    );
  }
  remembered ??= { version: STATE_VERSION, receiver_port: 0 };
  writeJson(stateFile, remembered, 0o644);
  return {
    directory,
    receiverPort: remembered.receiver_port,
    rememberReceiver: (port) => writeJson(stateFile, { version: STATE_VERSION, receiver_port: port }, 0o644),
    readLocal: () => readJson<LocalFile>(localFile),
    // It holds keys: for this user's eyes only.
    writeLocal: (file) => writeJson(localFile, file, 0o600),
    writeGateway: (file) => writeJson(join(directory, "gateway.json"), file, 0o600),
    release: () => rmSync(lockFile, { force: true }),
  };
}

/** Empties a folder that the platform made, never one that only happens to have been named. @throws StartError */
function clear(directory: string, lockFile: string): void {
  const names = readdirSync(directory).filter((name) => join(directory, name) !== lockFile);
  if (names.length > 0 && !names.includes("state.json")) {
    rmSync(lockFile, { force: true });
    throw new StartError(`${directory} holds other files than the platform's state: --fresh leaves it alone.`);
  }
  for (const name of names) rmSync(join(directory, name), { recursive: true, force: true });
}
