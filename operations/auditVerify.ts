/**
 * `npm run audit:verify`: reads a customer's whole audit log and its archived access records and checks their chains. Exits
 * 1 and names the entry or record when one was changed, removed or moved.
 *
 *   npm run audit:verify                                   the demo customer of the platform that runs here
 *   npm run audit:verify -- --url https://… --key trg_…    any customer, with a key that has the scope `admin`
 *   npm run audit:verify -- --seen 12:3f9a…                also that entry 12 still has the hash an earlier run printed
 *
 * Keep the last line it prints somewhere else: with it, a later run notices even a log rewritten from end to end.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readArguments } from "../local/arguments.ts";
import { type AuditEntry, findTampering, GENESIS } from "../runtime/domain/auditChain.ts";
import { type AccessRecord, type ArchivedAccess, findAccessTampering } from "../runtime/domain/usage/access.ts";

interface Log {
  readonly customerId: string;
  readonly entries: readonly AuditEntry[];
  readonly head: { readonly seq: number; readonly hash: string };
  /** The archived access records, by the hour that an entry `access.archived` names; none where they are gone. */
  readonly access: ReadonlyMap<string, readonly AccessRecord[]>;
}

async function readLog(url: string, key: string): Promise<Log> {
  const { items, headers } = await readList<AuditEntry>(url, key, "/audit", "audit", {});
  const [customerId = "", seq, hash = ""] = (headers.get("triggers-audit-head") ?? "").split(" ");
  const head = { seq: Number(seq), hash };
  // Entries written while the pages were read stand before the head that was told with the first.
  const entries = items.filter((entry) => entry.seq <= head.seq).reverse();
  const access = new Map<string, readonly AccessRecord[]>();
  for (const { hour } of archivedIn(entries)) {
    access.set(hour, (await readList<AccessRecord>(url, key, "/audit/access", "records", { hour })).items);
  }
  return { customerId, entries, head, access };
}

/** All pages of a list, and the headers of the first; an empty list where there is no such object. */
async function readList<T>(
  url: string,
  key: string,
  path: string,
  member: string,
  filter: Readonly<Record<string, string>>,
): Promise<{ items: T[]; headers: Headers }> {
  const items: T[] = [];
  let headers: Headers | undefined;
  let cursor: string | null = "";
  while (cursor !== null) {
    const query = new URLSearchParams({ limit: "1000", ...filter, ...(cursor === "" ? {} : { cursor }) });
    const response = await fetch(new URL(`${path}?${query}`, url), { headers: { authorization: `Bearer ${key}` } });
    if (response.status === 404) break;
    const body = (await response.json()) as Record<string, T[]> & {
      next_cursor: string | null;
      error?: { message: string };
    };
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${body.error?.message ?? ""}`);
    headers ??= response.headers;
    items.push(...body[member]!);
    cursor = body.next_cursor;
  }
  return { items, headers: headers ?? new Headers() };
}

/** What the log says was archived. */
const archivedIn = (entries: readonly AuditEntry[]): ArchivedAccess[] =>
  entries
    .filter(({ action, actor }) => action === "access.archived" && actor.type === "platform")
    .map(({ details }) => details as unknown as ArchivedAccess);

/** The first hour whose records differ from the archived ones, or follow another entry of the log. */
function accessVerdict({ customerId, entries, access }: Log): string | undefined {
  for (const said of archivedIn(entries)) {
    const { hour, follows } = said;
    const before = follows.seq === 0 ? GENESIS : entries[follows.seq - 1]?.hash;
    if (before !== follows.hash) {
      return `TAMPERED: the access records of ${hour} follow another entry ${follows.seq} than the log has`;
    }
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
    if (log.entries[Number(seq) - 1]?.hash !== hash) {
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

if (import.meta.main) {
  const { values } = readArguments({
    options: { url: { type: "string" }, key: { type: "string" }, seen: { type: "string" } },
  });
  let { url, key } = values;
  if (url === undefined || key === undefined) {
    const file = join(process.env.TRIGGERS_STATE ?? ".triggers", "local.json");
    const local = JSON.parse(readFileSync(file, "utf8")) as { url: string; api_key: string };
    url ??= local.url;
    key ??= local.api_key;
  }
  const { text, code } = verdict(await readLog(url, key), values.seen);
  process.stdout.write(`${text}\n`);
  process.exitCode = code;
}
