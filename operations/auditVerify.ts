/**
 * `npm run audit:verify`: reads a customer's whole audit log and its archived access records and checks their chains. Ends
 * with 0 when they are whole, 1 and the name of the entry or record when one was changed, added, removed or moved, 2 when it could not look.
 *
 *   npm run audit:verify                                   the demo customer of the platform that runs here
 *   npm run audit:verify -- --url https://… --key trg_…    any customer, with a key that has the scope `admin`
 *   npm run audit:verify -- --seen 12:3f9a…                also that entry 12 still has the hash an earlier run printed
 *
 * Keep the last line it prints somewhere else: with it, a later run notices even a log rewritten from end to end.
 */
import { readArguments } from "../local/arguments.ts";
import type { LocalFile } from "../local/platform/state.ts";
import { type AuditEntry, findTampering, GENESIS } from "../runtime/domain/auditChain.ts";
import { type AccessRecord, type ArchivedAccess, findAccessTampering } from "../runtime/domain/usage/access.ts";
import { readState } from "./gateway.ts";
import { Refusal, stoppedBy } from "./refusal.ts";

interface Log {
  readonly customerId: string;
  readonly entries: readonly AuditEntry[];
  readonly head: { readonly seq: number; readonly hash: string };
  /** The archived access records, by the hour that an entry `access.archived` names; none where they are gone. */
  readonly access: ReadonlyMap<string, readonly AccessRecord[]>;
  /** What the API answered for hours whose records it can't read. */
  readonly unreadable: ReadonlyMap<string, string>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the API's answers, of which a few members are read
  readonly body: any;
}

/** Asks the API as the customer. */
export type Get = (path: string) => Promise<Answer>;

/** The API did not answer a list. */
class NoList extends Error {
  override readonly name = "NoList";
  readonly status: number;

  constructor(path: string, { status, body }: Answer) {
    super(`GET ${path} answered ${status}: ${body?.error?.message ?? "that is no list of this API"}`);
    this.status = status;
  }
}

/** @param limit entries a page @throws NoList */
export async function readLog(get: Get, limit = 1_000): Promise<Log> {
  const page = { limit: String(limit) };
  const { items, headers } = await readList<AuditEntry>(get, "/audit", "audit", page);
  const told = headers.get("triggers-audit-head");
  if (told === null) throw new Refusal("GET /audit answered without triggers-audit-head: something removes headers");
  const [customerId = "", seq, hash = ""] = told.split(" ");
  const entries = items.reverse();
  const access = new Map<string, readonly AccessRecord[]>();
  const unreadable = new Map<string, string>();
  for (const { hour } of archivedIn(entries)) {
    try {
      access.set(hour, (await readList<AccessRecord>(get, "/audit/access", "records", { hour, ...page })).items);
    } catch (thrown) {
      // An object that is damaged is a 500; a part of the platform that is away would be a 503.
      if (!(thrown instanceof NoList) || (thrown.status !== 404 && thrown.status !== 500)) throw thrown;
      if (thrown.status === 500) unreadable.set(hour, thrown.message);
    }
  }
  return { customerId, entries, head: { seq: Number(seq), hash }, access, unreadable };
}

/** All pages of a list, and the headers of the first. */
async function readList<T>(
  get: Get,
  path: string,
  member: string,
  query: Readonly<Record<string, string>>,
): Promise<{ items: T[]; headers: Headers }> {
  const items: T[] = [];
  let headers: Headers | undefined;
  let cursor: string | null = "";
  while (cursor !== null) {
    const answer: Answer = await get(
      `${path}?${new URLSearchParams({ ...query, ...(cursor === "" ? {} : { cursor }) })}`,
    );
    if (answer.status !== 200 || !Array.isArray(answer.body?.[member])) throw new NoList(path, answer);
    headers ??= answer.headers;
    items.push(...answer.body[member]);
    cursor = answer.body.next_cursor;
  }
  return { items, headers: headers! };
}

/** What the log says was archived. */
const archivedIn = (entries: readonly AuditEntry[]): ArchivedAccess[] =>
  entries
    .filter(({ action, actor }) => action === "access.archived" && actor.type === "platform")
    .map(({ details }) => details as unknown as ArchivedAccess);

/** The first hour whose records differ from the archived ones, or follow another entry of the log. */
function accessVerdict({ customerId, entries, access, unreadable }: Log): string | undefined {
  for (const said of archivedIn(entries)) {
    const { hour, follows } = said;
    const before = follows.seq === 0 ? GENESIS : entries[follows.seq - 1]?.hash;
    if (before !== follows.hash) {
      return `TAMPERED: the access records of ${hour} follow another entry ${follows.seq} than the log has`;
    }
    const answer = unreadable.get(hour);
    if (answer !== undefined) return `TAMPERED: the access records of ${hour} can't be read: ${answer}`;
    const found = findAccessTampering(customerId, said, access.get(hour) ?? []);
    if (found !== undefined) return `TAMPERED at access record ${found.seq} of ${hour} (${found.finding})`;
  }
  return undefined;
}

/** @returns what to print and the exit code */
export function verdict(log: Log, seen?: string): { readonly text: string; readonly code: number } {
  const found = findTampering(log.customerId, log.entries, log.head);
  if (found !== undefined)
    return { text: `TAMPERED at entry ${found.seq} (${found.finding}): ${found.message}`, code: 1 };
  if (seen !== undefined) {
    const [seq, hash] = seen.split(":");
    const kept = log.entries[Number(seq) - 1];
    if (kept === undefined) {
      return { text: `TAMPERED: the log ends at entry ${log.head.seq}; entry ${seq} is missing`, code: 1 };
    }
    if (kept.hash !== hash) {
      return { text: `TAMPERED: entry ${seq} no longer has the hash ${hash}; the log was written anew`, code: 1 };
    }
  }
  const text = accessVerdict(log);
  if (text !== undefined) return { text, code: 1 };
  const hours = [...log.access.values()];
  const records = hours.reduce((sum, { length }) => sum + length, 0);
  const unbroken = `${log.entries.length} entries, ${records} access records of ${hours.length} hours, unbroken`;
  return { text: `${unbroken}\n${log.head.seq}:${log.head.hash}`, code: 0 };
}

/** Asks the API at this address with this key. */
const asking =
  (url: string, key: string): Get =>
  async (path) => {
    const response = await fetch(new URL(path, url), { headers: { authorization: `Bearer ${key}` } });
    const body = await response.json().catch(() => undefined);
    return { status: response.status, headers: response.headers, body };
  };

async function main(): Promise<void> {
  const { values } = readArguments({
    options: { url: { type: "string" }, key: { type: "string" }, seen: { type: "string" } },
  });
  const { url, key, seen } = values;
  if (seen !== undefined && !/^[1-9]\d*:[0-9a-f]{64}$/.test(seen))
    throw new Refusal(
      "--seen takes the last line that an earlier run printed: the number of an entry, a colon, its hash",
    );
  if ((url === undefined) !== (key === undefined)) throw new Refusal("--url and --key go together");
  if (url !== undefined && !URL.canParse(url)) throw new Refusal(`--url takes the address of the API, not "${url}"`);
  const local = url === undefined ? readState<LocalFile>("local.json") : undefined;
  const { text, code } = verdict(await readLog(asking(url ?? local!.url, key ?? local!.api_key)), seen);
  process.stdout.write(`${text}\n`);
  process.exitCode = code;
}

if (import.meta.main)
  main().catch((thrown: unknown) => {
    process.stderr.write(`not checked: ${thrown instanceof NoList ? thrown.message : stoppedBy(thrown)}\n`);
    process.exitCode = 2;
  });
