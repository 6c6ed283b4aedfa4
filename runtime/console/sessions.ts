import { createHash, randomBytes } from "node:crypto";
import type { Dynamodb } from "../aws/clients.ts";
import { deleteItem, getItem, putItem, queryAll, type Table, updateItem } from "../aws/tables.ts";
import type { Membership } from "../domain/people/person.ts";
import { HOUR_MS, MINUTE_MS, type Millis } from "../domain/time.ts";

/**
 * Sessions, as records of a table behind a cookie.
 *
 * Invariant: only the cookie holds the secret. The table is read by its SHA-256, so a reader of the table can't act as a person.
 * A session that was ended, idle for 15 minutes or begun 8 hours ago is refused, even while the table still holds it.
 */

export const IDLE_MS = 15 * MINUTE_MS;
export const LONGEST_MS = 8 * HOUR_MS;
/** How long a sign-in at the issuer may take. */
const SIGNING_IN_MS = 10 * MINUTE_MS;

export interface Session {
  readonly session_id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly email: string;
  readonly name: string;
  /** The customer that the session is in; one of the memberships. */
  readonly customer_id: string;
  readonly memberships: readonly Membership[];
  /** When the memberships were last asked for, and the other times, milliseconds since the epoch. */
  readonly checked_at: Millis;
  readonly created_at: Millis;
  readonly active_at: Millis;
  readonly signed_in_at: Millis;
  readonly source_ip: string;
  readonly user_agent: string;
}

/** What is remembered while a person is at the issuer. */
export interface SigningIn {
  readonly verifier: string;
  readonly nonce: string;
  readonly return_to: string;
  readonly created_at: Millis;
}

export const endsAt = ({ created_at, active_at }: Pick<Session, "created_at" | "active_at">): number =>
  Math.min(active_at + IDLE_MS, created_at + LONGEST_MS);

/** The cookie that holds a session's token. */
export const SESSION_COOKIE = "__Host-triggers";

/** The token in a request's cookies, each `name=value`. */
export const tokenIn = (cookies: readonly string[]): string | undefined =>
  cookies.find((pair) => pair.startsWith(`${SESSION_COOKIE}=`))?.slice(SESSION_COOKIE.length + 1);

/** 256 bits that nobody guesses. */
export const newToken = (): string => randomBytes(32).toString("base64url");
/** What a session is remembered by. */
export const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");

/** One person at one issuer, in a form that no two pairs share. */
const personOf = ({ issuer, subject }: Pick<Session, "issuer" | "subject">): string =>
  JSON.stringify([issuer, subject]);

const keyOf = (pk: string) => ({ pk: { S: pk }, sk: { S: "session" } });
const sessionKey = (token: string) => keyOf(`session#${hashOf(token)}`);
const signingInKey = (token: string) => keyOf(`signing-in#${hashOf(token)}`);

const seconds = (ms: Millis): string => String(Math.ceil(ms / 1_000));

/** The session behind a token; undefined for one that has ended. */
export async function readSession(sessions: Table, token: string, now: Millis): Promise<Session | undefined> {
  const text = (await getItem(sessions, sessionKey(token), "strong"))?.session?.S;
  if (text === undefined) return undefined;
  const session = JSON.parse(text) as Session;
  return endsAt(session) > now ? session : undefined;
}

export class Sessions {
  private readonly table: Table;
  private readonly now: () => Millis;

  constructor(dynamodb: Dynamodb, table: string, now: () => Millis) {
    this.table = { dynamodb, name: table };
    this.now = now;
  }

  /** Writes the session as it is, under the cookie's token. */
  async put(token: string, session: Session): Promise<void> {
    await putItem(this.table, {
      ...sessionKey(token),
      person: { S: personOf(session) },
      session_id: { S: session.session_id },
      session: { S: JSON.stringify(session) },
      expires_at: { N: seconds(endsAt(session)) },
    });
  }

  /** Writes what has changed of a session, unless it was ended meanwhile. @returns whether it was still there */
  async change(token: string, session: Session): Promise<boolean> {
    const changed = await updateItem(this.table, sessionKey(token), {
      UpdateExpression: "SET #session = :session, expires_at = :expires",
      ConditionExpression: "attribute_exists(pk)",
      ExpressionAttributeNames: { "#session": "session" },
      ExpressionAttributeValues: {
        ":session": { S: JSON.stringify(session) },
        ":expires": { N: seconds(endsAt(session)) },
      },
    });
    return changed !== undefined;
  }

  /** @returns undefined for one that has ended */
  get(token: string): Promise<Session | undefined> {
    return readSession(this.table, token, this.now());
  }

  async end(token: string): Promise<void> {
    await deleteItem(this.table, sessionKey(token));
  }

  /** All sessions of the person, newest first. */
  async ofPerson(person: Pick<Session, "issuer" | "subject">): Promise<Session[]> {
    const rows = await this.rowsOf(person);
    return rows.map(({ session }) => session).filter((session) => endsAt(session) > this.now());
  }

  /** Ends one of the person's sessions by its id. @returns what it is remembered by, and in which customer it was */
  async endOne(
    person: Pick<Session, "issuer" | "subject">,
    sessionId: string,
  ): Promise<(Pick<Session, "customer_id"> & { readonly hash: string }) | undefined> {
    const row = (await this.rowsOf(person)).find(({ session }) => session.session_id === sessionId);
    if (row === undefined) return undefined;
    await deleteItem(this.table, keyOf(row.pk));
    return { hash: row.pk.slice(sessionKey("").pk.S.indexOf("#") + 1), customer_id: row.session.customer_id };
  }

  /** @returns the token of its cookie, which is its state at the issuer too */
  async begin(signingIn: SigningIn): Promise<string> {
    const token = newToken();
    await putItem(this.table, {
      ...signingInKey(token),
      session: { S: JSON.stringify(signingIn) },
      expires_at: { N: seconds(signingIn.created_at + SIGNING_IN_MS) },
    });
    return token;
  }

  /** What was begun under this token, once. */
  async take(token: string): Promise<SigningIn | undefined> {
    const taken = await deleteItem(this.table, signingInKey(token), { ReturnValues: "ALL_OLD" });
    const text = taken?.session?.S;
    if (text === undefined) return undefined;
    const begun = JSON.parse(text) as SigningIn;
    return begun.created_at + SIGNING_IN_MS > this.now() ? begun : undefined;
  }

  private async rowsOf(person: Pick<Session, "issuer" | "subject">): Promise<{ pk: string; session: Session }[]> {
    const items = await queryAll(this.table, {
      IndexName: "by_person",
      KeyConditionExpression: "person = :person",
      ExpressionAttributeValues: { ":person": { S: personOf(person) } },
      ScanIndexForward: false,
      consistency: "eventual",
    });
    return items.map((item) => ({ pk: item.pk!.S!, session: JSON.parse(item.session!.S!) as Session }));
  }
}
