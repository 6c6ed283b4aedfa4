/**
 * `npm run audit:verify`: reads a customer's whole audit log and checks its chain. Exits 1 and names the entry when one was
 * changed, removed or moved.
 *
 *   npm run audit:verify                                   the demo customer of the platform that runs here
 *   npm run audit:verify -- --url https://… --key trg_…    any customer, with a key that has the scope `admin`
 *   npm run audit:verify -- --seen 12:3f9a…                also that entry 12 still has the hash an earlier run printed
 *
 * Keep the last line it prints somewhere else: with it, a later run notices even a log rewritten from end to end.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type AuditEntry, findTampering } from "../runtime/database/auditChain.ts";

interface Log {
  readonly customerId: string;
  readonly entries: readonly AuditEntry[];
  readonly head: { readonly seq: number; readonly hash: string };
}

async function readLog(url: string, key: string): Promise<Log> {
  const newestFirst: AuditEntry[] = [];
  let customerId = "";
  let head = { seq: 0, hash: "" };
  let cursor: string | null = "";
  while (cursor !== null) {
    const query = new URLSearchParams({ limit: "1000", ...(cursor === "" ? {} : { cursor }) });
    const response = await fetch(new URL(`/audit?${query}`, url), { headers: { authorization: `Bearer ${key}` } });
    const body = (await response.json()) as {
      audit: AuditEntry[];
      next_cursor: string | null;
      error?: { message: string };
    };
    if (!response.ok) throw new Error(`GET /audit answered ${response.status}: ${body.error?.message ?? ""}`);
    if (cursor === "") {
      const [customer, seq, hash] = (response.headers.get("triggers-audit-head") ?? "").split(" ");
      customerId = customer ?? "";
      head = { seq: Number(seq), hash: hash ?? "" };
    }
    newestFirst.push(...body.audit);
    cursor = body.next_cursor;
  }
  // Entries written while the pages were read stand before the head that was told with the first.
  const entries = newestFirst.filter(({ seq }) => seq <= head.seq).reverse();
  return { customerId, entries, head };
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
  return { text: `${log.entries.length} entries, unbroken\n${log.head.seq}:${log.head.hash}`, code: 0 };
}

if (import.meta.main) {
  const { values } = parseArgs({
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
