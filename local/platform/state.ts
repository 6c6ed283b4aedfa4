/** The state folder: who uses it, which version wrote it, and what is remembered between runs beside the services' data. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Credentials } from "../credentials.ts";
import type { DeclaredResource } from "../program.ts";
import { StartError, stateError } from "../startError.ts";
import { writeWhole } from "../wholeFile.ts";
import { LOCK_FILES, lockFolder } from "./lock.ts";

/** Mode of folders: for their owner alone. */
const PRIVATE = 0o700;

/** Changes when earlier versions can no longer read the state. */
const STATE_VERSION = 2;
/** Version 1 kept queues, streams and Redis in journals: each service takes its own over. */
const READABLE: ReadonlySet<number> = new Set([1, STATE_VERSION]);

interface Remembered {
  readonly version: number;
  readonly receiver_port: number;
  readonly outbox_port?: number;
}

/** `local.json`, which tools read to find the running platform: its addresses and keys. */
export interface LocalFile {
  readonly url: string;
  readonly api_key: string;
  readonly sandbox_key: string;
  readonly operator_key: string;
  readonly sink_url: string;
  /** Where people sign in; absent in what an earlier version wrote. */
  readonly console_url?: string;
  /** Where the mails and messages are that would have left; absent in what an earlier version wrote. */
  readonly outbox_url?: string;
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
export const administratorOf = (file: GatewayFile): AwsAccess => ({
  region: "us-east-1",
  endpoint: file.endpoint,
  credentials: { accessKeyId: file.access_key_id, secretAccessKey: file.secret_access_key },
});

export interface State {
  readonly directory: string;
  readonly receiverPort: number;
  readonly outboxPort: number;
  /** Ports that are tried first at the next start. */
  remember(ports: Partial<Omit<Remembered, "version">>): void;
  /** Keys of the demo customer from an earlier run. */
  readLocal(): LocalFile | undefined;
  writeLocal(file: LocalFile): void;
  writeGateway(file: GatewayFile): void;
  /** Which quotas of the account were met. */
  writeQuotas(told: object): void;
  /** What the program declares, as `pulumi stack export` writes it; secrets are left out. */
  writeDeployment(project: string, resources: readonly DeclaredResource[]): void;
  /** Lets another process use the folder. */
  release(): void;
}

/**
 * @param without what the reader should do about an unreadable file
 * @returns undefined when the file is missing
 * @throws StartError
 */
function readJson<T>(path: string, without: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new StartError(`${path} can't be read: ${(cause as Error).message}.\n${without}`, { cause });
  }
}

const writeJson = (path: string, value: unknown, mode: number): void =>
  writeWhole(path, `${JSON.stringify(value, null, 2)}\n`, mode);

/**
 * Opens the folder for this process.
 * @param fresh forgets everything that is there first
 * @throws StartError when another process uses it, another version wrote it, or it can't be used
 */
export function openState(directory: string, fresh: boolean): State {
  let release: (() => void) | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: PRIVATE });
    release = lockFolder(directory);
    return opened(directory, fresh, release);
  } catch (cause) {
    release?.();
    throw stateError(cause, directory);
  }
}

function opened(directory: string, fresh: boolean, release: () => void): State {
  const stateFile = join(directory, "state.json");
  const localFile = join(directory, "local.json");
  if (fresh) clear(directory);
  const remembered = readJson<Remembered>(
    stateFile,
    "It tells which version wrote the state, and the port of the built-in webhook receiver. If this version wrote it, delete the file and start again.",
  );
  if (remembered !== undefined && !READABLE.has(remembered.version))
    throw new StartError(
      `The state in ${directory} was written by another version of the platform (state version ${remembered.version}, this one reads ${STATE_VERSION}).\nStart that version, or set TRIGGERS_STATE to another folder. "npm start -- --fresh" begins anew here, and deletes every event and key in it.`,
    );
  keepPrivate(directory);
  const receiverPort = remembered?.receiver_port ?? 0;
  const outboxPort = remembered?.outbox_port ?? 0;
  let known: Remembered = {
    version: STATE_VERSION,
    receiver_port: receiverPort,
    ...(outboxPort === 0 ? {} : { outbox_port: outboxPort }),
  };
  writeJson(stateFile, known, 0o644);
  return {
    directory,
    receiverPort,
    outboxPort,
    remember(ports) {
      known = { ...known, ...ports };
      writeJson(stateFile, known, 0o644);
    },
    readLocal: () =>
      readJson<LocalFile>(
        localFile,
        "It holds the keys of the demo customer. Put back a copy of it. Or delete it: a new demo customer with new keys is made then, and the events of the earlier one stay readable with its keys.",
      ),
    // It holds keys: for this user's eyes only.
    writeLocal: (file) => writeJson(localFile, file, 0o600),
    writeQuotas: (told) => writeJson(join(directory, "quotas.json"), told, 0o600),
    writeDeployment: (project, resources) =>
      writeJson(join(directory, "deployment.json"), exported(project, resources), 0o600),
    writeGateway: (file) => writeJson(join(directory, "gateway.json"), file, 0o600),
    release,
  };
}

/**
 * Payloads and secrets are in there, so only this user may read the folder, also where an earlier version made it readable. A
 * folder that holds more than the platform's keeps its mode; what the platform makes in it is private all the same.
 */
function keepPrivate(directory: string): void {
  const names = readdirSync(directory).filter((name) => !LOCK_FILES.has(name));
  if (names.length > 0 && !names.includes("state.json")) return;
  chmodSync(directory, PRIVATE);
  for (const entry of readdirSync(directory, { withFileTypes: true }))
    if (entry.isDirectory()) chmodSync(join(directory, entry.name), PRIVATE);
}

/** Members that hold a secret, in any resource. */
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
function clear(directory: string): void {
  const names = readdirSync(directory).filter((name) => !LOCK_FILES.has(name));
  if (names.length > 0 && !names.includes("state.json"))
    throw new StartError(`${directory} holds other files than the platform's state: --fresh leaves it alone.`);
  for (const name of names) rmSync(join(directory, name), { recursive: true, force: true });
}
