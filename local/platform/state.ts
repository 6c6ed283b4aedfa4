/** The state folder: who uses it, which version wrote it, and what is remembered between runs beside the services' data. */
import {
  chmodSync,
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
import type { Credentials } from "../credentials.ts";
import type { DeclaredResource } from "../program.ts";
import { StartError } from "../startError.ts";

/** Mode of folders: for their owner alone. */
const PRIVATE = 0o700;

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
  /** Of the administrator, who may do everything; both are new at each start. */
  readonly access_key_id: string;
  readonly secret_access_key: string;
  /** The program's exports. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Members that the configuration of every AWS client has. */
export interface AwsAccess {
  readonly region: string;
  readonly endpoint: string;
  readonly credentials: Credentials;
}

/** How an SDK client calls the stand-ins as the administrator. */
export const administratorOf = (file: GatewayFile, region = "us-east-1"): AwsAccess => ({
  region,
  endpoint: file.endpoint,
  credentials: { accessKeyId: file.access_key_id, secretAccessKey: file.secret_access_key },
});

export interface State {
  readonly directory: string;
  readonly receiverPort: number;
  rememberReceiver(port: number): void;
  /** Keys of the demo customer from an earlier run. */
  readLocal(): LocalFile | undefined;
  writeLocal(file: LocalFile): void;
  writeGateway(file: GatewayFile): void;
  /** What the program declares, as `pulumi stack export` writes it; secrets are left out. */
  writeDeployment(project: string, resources: readonly DeclaredResource[]): void;
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
  mkdirSync(directory, { recursive: true, mode: PRIVATE });
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
  keepPrivate(directory);
  remembered ??= { version: STATE_VERSION, receiver_port: 0 };
  writeJson(stateFile, remembered, 0o644);
  return {
    directory,
    receiverPort: remembered.receiver_port,
    rememberReceiver: (port) => writeJson(stateFile, { version: STATE_VERSION, receiver_port: port }, 0o644),
    readLocal: () => readJson<LocalFile>(localFile),
    // It holds keys: for this user's eyes only.
    writeLocal: (file) => writeJson(localFile, file, 0o600),
    writeDeployment: (project, resources) =>
      writeJson(join(directory, "deployment.json"), exported(project, resources), 0o600),
    writeGateway: (file) => writeJson(join(directory, "gateway.json"), file, 0o600),
    release: () => rmSync(lockFile, { force: true }),
  };
}

/**
 * Payloads and secrets are in there: nobody else of this machine may look, in what an earlier version made neither. A folder
 * that holds more than the platform's keeps its mode; what the platform makes in it is private all the same.
 */
function keepPrivate(directory: string): void {
  const names = readdirSync(directory);
  if (names.length > 1 && !names.includes("state.json")) return;
  chmodSync(directory, PRIVATE);
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) chmodSync(join(directory, entry.name), PRIVATE);
}

/** Members that hold a secret, whatever resource they are of. */
const SECRET = /^(secret(String|Binary)|password|authToken|result|value|bcryptHash)$/;

const exported = (project: string, resources: readonly DeclaredResource[]) => ({
  version: 3,
  deployment: {
    resources: resources.map(({ stack, type, name, id, outputs }) => ({
      urn: `urn:pulumi:${stack}::${project}::${type}::${name}`,
      type,
      id,
      outputs: Object.fromEntries(Object.entries(outputs).filter(([member]) => !SECRET.test(member))),
    })),
  },
});

/** Empties a folder that the platform made, never one that only happens to have been named. @throws StartError */
function clear(directory: string, lockFile: string): void {
  const names = readdirSync(directory).filter((name) => join(directory, name) !== lockFile);
  if (names.length > 0 && !names.includes("state.json")) {
    rmSync(lockFile, { force: true });
    throw new StartError(`${directory} holds other files than the platform's state: --fresh leaves it alone.`);
  }
  for (const name of names) rmSync(join(directory, name), { recursive: true, force: true });
}
