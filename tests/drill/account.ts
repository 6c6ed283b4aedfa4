import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { GetObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { administratorOf, type GatewayFile, type LocalFile } from "../../local/platform/state.ts";
import { call } from "../support/platform.ts";
import { EVENT_TYPE, type Ledger } from "./load.ts";
import type { Sink } from "./sink.ts";

/** What became of every accepted event: in the inbox, at both endpoints, in the archive. */
export interface Account {
  readonly accepted: number;
  readonly missing_in_inbox: number;
  readonly twice_in_inbox: number;
  readonly not_delivered: number;
  readonly missing_at_clean: number;
  readonly missing_at_mixed: number;
  readonly missing_in_archive: number;
  /** Requests with a key that were sent more than once, and those of them that made events twice or were answered otherwise. */
  readonly keys_repeated: number;
  readonly keys_made_twice: number;
  /** More copies than one, of accepted events: allowed, and told. */
  readonly extra_at_clean: number;
  readonly extra_at_mixed: number;
  readonly extra_in_archive: number;
  /** Events that the numbers tell too many or too few of, once their hours were compared with the store. */
  readonly miscounted: number;
  /** Events that nobody was answered 202 for: allowed, and told. */
  readonly stored_unanswered: number;
  readonly examples: readonly string[];
}

export const lostOf = (account: Account): number =>
  account.missing_in_inbox +
  account.twice_in_inbox +
  account.not_delivered +
  account.missing_at_clean +
  account.missing_at_mixed +
  account.missing_in_archive +
  account.keys_made_twice +
  account.miscounted;

/** Asks until nothing is missing any more, or until `patienceMs` pass without progress: a busy machine works off a backlog slowly. */
export async function settledAccount(
  state: string,
  local: LocalFile,
  ledger: Ledger,
  sink: Sink,
  patienceMs: number,
): Promise<Account> {
  let until = Date.now() + patienceMs;
  let least = Number.POSITIVE_INFINITY;
  for (;;) {
    try {
      const account = await accountOf(state, local, ledger, sink);
      const lost = lostOf(account);
      if (lost < least) until = Date.now() + patienceMs;
      least = Math.min(least, lost);
      if (lost === 0 || Date.now() > until) return account;
    } catch (cause) {
      // A busy machine that has just started may answer a large page too late: asked again.
      if (Date.now() > until) throw cause;
    }
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}

async function accountOf(state: string, local: LocalFile, ledger: Ledger, sink: Sink): Promise<Account> {
  const { accepted, keyed, contradictions } = ledger;
  const inbox = await inboxOf(local);
  const archive = await archiveOf(state);
  const clean = sink.taken("/clean");
  const mixed = sink.taken("/mixed");
  const ids = [...accepted];
  const missing = (where: ReadonlyMap<string, unknown>) => ids.filter((id) => !where.has(id));
  const extra = (where: ReadonlyMap<string, number>) =>
    ids.reduce((sum, id) => sum + Math.max(0, (where.get(id) ?? 0) - 1), 0);
  const undelivered = ids.filter((id) => inbox.has(id) && inbox.get(id)!.status !== "delivered");
  const stored = Map.groupBy(inbox.keys(), (id) => inbox.get(id)!.made);
  /** The first event of each request with a key that stands twice in the inbox. */
  const twice = [...keyed.values()].flatMap(({ body }) => {
    const copies = [body].flat().flatMap((event) => stored.get((event as { made: number }).made)?.slice(1) ?? []);
    return copies.slice(0, 1);
  });
  return {
    accepted: ids.length,
    missing_in_inbox: missing(inbox).length,
    twice_in_inbox: ids.filter((id) => (inbox.get(id)?.times ?? 0) > 1).length,
    not_delivered: undelivered.length,
    missing_at_clean: missing(clean).length,
    missing_at_mixed: missing(mixed).length,
    missing_in_archive: missing(archive).length,
    keys_repeated: [...keyed.values()].filter(({ sent }) => sent > 1).length,
    keys_made_twice: twice.length + contradictions.length,
    extra_at_clean: extra(clean),
    extra_at_mixed: extra(mixed),
    extra_in_archive: extra(archive),
    miscounted: 0,
    stored_unanswered: [...inbox.keys()].filter((id) => !accepted.has(id)).length,
    examples: [
      ...missing(inbox),
      ...undelivered,
      ...missing(clean),
      ...missing(mixed),
      ...missing(archive),
      ...twice,
      ...contradictions,
    ].slice(0, 5),
  };
}

interface Seen {
  readonly status: string;
  readonly made: number;
  readonly times: number;
}

/** What is listed of the drill's events. */
export async function inboxOf(local: LocalFile): Promise<Map<string, Seen>> {
  const found = new Map<string, Seen>();
  let cursor: string | null = null;
  do {
    const more: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const path = `/inbox?acknowledged=all&order=asc&limit=1000&event_type=${EVENT_TYPE}${more}`;
    const { status, json, text } = await call(local.url, "GET", path, { key: local.api_key });
    if (status !== 200) throw new Error(`GET ${path}: ${status} ${text.slice(0, 300)}`);
    for (const { event_id, status: state, payload } of json.events)
      found.set(event_id, { status: state, made: payload.made, times: (found.get(event_id)?.times ?? 0) + 1 });
    cursor = json.next_cursor;
  } while (cursor !== null);
  return found;
}

async function archiveOf(state: string): Promise<Map<string, number>> {
  const gateway = JSON.parse(readFileSync(join(state, "gateway.json"), "utf8")) as GatewayFile;
  const client = new S3Client({ ...administratorOf(gateway), forcePathStyle: true });
  const Bucket = String(gateway.outputs.archiveBucket);
  const found = new Map<string, number>();
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket, Prefix: "events/" })) {
    for (const { Key } of Contents) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: Key! }));
      const bytes = Buffer.from(await Body!.transformToByteArray());
      for (const line of gunzipSync(bytes).toString("utf8").split("\n")) {
        if (line === "") continue;
        const { events } = JSON.parse(line) as { events: { event_id: string }[] };
        for (const { event_id } of events) found.set(event_id, (found.get(event_id) ?? 0) + 1);
      }
    }
  }
  client.destroy();
  return found;
}
