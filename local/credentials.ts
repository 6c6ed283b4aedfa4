import { randomBytes } from "node:crypto";

/** What an SDK client signs with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Caller {
  readonly role: string;
  readonly secretAccessKey: string;
}

export interface CredentialStore {
  /** Of a role, drawn when they are asked for the first time. */
  of(role: string): Credentials;
  /** Whose access key it is; undefined when it is nobody's. */
  callerOf(accessKeyId: string): Caller | undefined;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_CHARACTERS = 16;
const SECRET_BYTES = 30;

/**
 * The keys of every role, new at each start and kept in memory alone: knowing a role's name opens nothing. Lambda's keys are
 * temporary, too, though here they last as long as the platform runs and need no session token.
 */
export function createCredentials(): CredentialStore {
  const ofRole = new Map<string, Credentials>();
  const callers = new Map<string, Caller>();
  return {
    of(role) {
      const known = ofRole.get(role);
      if (known !== undefined) return known;
      const id = [...randomBytes(ID_CHARACTERS)].map((byte) => ALPHABET[byte % ALPHABET.length]).join("");
      const made = { accessKeyId: `AKIA${id}`, secretAccessKey: randomBytes(SECRET_BYTES).toString("base64") };
      ofRole.set(role, made);
      callers.set(made.accessKeyId, { role, secretAccessKey: made.secretAccessKey });
      return made;
    },
    callerOf: (accessKeyId) => callers.get(accessKeyId),
  };
}
