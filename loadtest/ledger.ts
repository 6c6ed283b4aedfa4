import { eventId, ulidAt, ulidIn } from "../runtime/domain/ids.ts";
import type { Received } from "./receiver.ts";

/**
 * The account of a run: every id that was answered 202 is at the receiver, or the platform says why not (pending, failed,
 * dead_lettered); it is in the store; it is in the archive. A run whose ledger does not balance is void, however fast.
 */

export interface AcceptedRun {
  readonly first: string;
  readonly count: number;
  readonly customer: number;
}

export interface Ledger {
  readonly accepted: number;
  readonly delivered: number;
  readonly pending: number;
  readonly dead_lettered: number;
  readonly duplicates: number;
  /** Neither delivered nor known to be waiting. */
  readonly lost: number;
  /** Asked of the store, and not there. */
  readonly missing_in_store: number;
  /** Undefined when the archive could not be read from here. */
  readonly missing_in_archive: number | undefined;
  readonly balanced: boolean;
  /** Up to 20 ids to look into. */
  readonly examples: readonly string[];
}

/** Reads the lines `accepted <first event id> <count> <customer>` that a generator writes. */
export function parseAccepted(log: string): AcceptedRun[] {
  const runs: AcceptedRun[] = [];
  for (const [, id, count, customer] of log.matchAll(/accepted (evt_[0-9A-Z]{26}) (\d+) (\d+)/g)) {
    runs.push({ first: ulidIn("evt", id!)!, count: Number(count), customer: Number(customer) });
  }
  return runs;
}

/** Statuses of up to 1,000 events, as `POST /events/lookup` tells them; an absent id is missing. */
export type Lookup = (customer: number, eventIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/** Asks the platform at `url`, each customer with its own key. @throws Error when it does not answer 200 */
export const lookupWith =
  (url: string, keys: readonly string[]): Lookup =>
  async (customer, eventIds) => {
    const response = await fetch(`${url}/events/lookup`, {
      method: "POST",
      headers: { authorization: `Bearer ${keys[customer]!}`, "content-type": "application/json" },
      body: JSON.stringify({ event_ids: eventIds }),
    });
    if (response.status !== 200)
      throw new Error(`lookup answered ${response.status}: ${(await response.text()).slice(0, 300)}`);
    const { events } = (await response.json()) as { events: { event_id: string; status: string }[] };
    return new Map(events.map(({ event_id, status }) => [event_id, status]));
  };

/** Asks about ids of runs, a thousand at a time, and hands over what each is said to be: undefined where it is not there. */
async function lookUp(
  runs: readonly AcceptedRun[],
  ids: (run: AcceptedRun) => string[],
  lookup: Lookup,
  take: (id: string, status: string | undefined) => void,
): Promise<void> {
  const byCustomer = new Map<number, string[]>();
  for (const run of runs) {
    const list = byCustomer.get(run.customer) ?? [];
    list.push(...ids(run));
    byCustomer.set(run.customer, list);
  }
  for (const [customer, list] of byCustomer) {
    for (let at = 0; at < list.length; at += 1_000) {
      const page = list.slice(at, at + 1_000);
      const found = await lookup(customer, page);
      for (const id of page) take(id, found.get(id));
    }
  }
}

export interface Accounts {
  readonly runs: readonly AcceptedRun[];
  readonly received: Received;
  readonly lookup: Lookup;
  /** Ask the store about every `sample`th run that was received; those not received are asked for in any case. */
  readonly sample: number;
  readonly archive?: { has(ulid: string): boolean } | undefined;
}

/** Rounds without progress after which an account that does not balance is final, and the pause between them. */
const FINAL_AFTER = 3;
const PAUSE_MS = 10_000;

/**
 * The account once it balances, or once nothing has changed any more: while a backlog is being worked off, events arrive
 * between the look at the receiver and the question to the store.
 * @param accounts made anew for each round
 */
export async function settledBalance(
  accounts: () => Accounts | Promise<Accounts>,
  pauseMs: number = PAUSE_MS,
): Promise<Ledger> {
  let ledger = await balance(await accounts());
  for (let idle = 0; !ledger.balanced && idle < FINAL_AFTER; ) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const next = await balance(await accounts());
    const progress = (["delivered", "missing_in_store", "missing_in_archive"] as const).some(
      (figure) => next[figure] !== ledger[figure],
    );
    idle = progress ? 0 : idle + 1;
    ledger = next;
  }
  return ledger;
}

export async function balance({ runs, received, lookup, sample, archive }: Accounts): Promise<Ledger> {
  let accepted = 0;
  let delivered = 0;
  let missingInArchive = 0;
  const absent: AcceptedRun[] = [];
  for (const run of runs) {
    const missing = received.missing(run.first, run.count);
    accepted += run.count;
    delivered += run.count - missing.length;
    if (missing.length > 0) absent.push(run);
    if (archive !== undefined)
      for (let i = 0; i < run.count; i += 1) if (!archive.has(ulidAt(run.first, i))) missingInArchive += 1;
  }
  const waiting = new Map<string, string | undefined>();
  const missed = (run: AcceptedRun) => received.missing(run.first, run.count).map(eventId);
  await lookUp(absent, missed, lookup, (id, status) => waiting.set(id, status));
  let missingInStore = 0;
  await lookUp(
    runs.filter((_, i) => i % sample === 0),
    (run) => Array.from({ length: run.count }, (_, i) => eventId(ulidAt(run.first, i))),
    lookup,
    (_, status) => {
      if (status === undefined) missingInStore += 1;
    },
  );
  const statuses = [...waiting.values()];
  const pending = statuses.filter((status) => status === "pending" || status === "failed").length;
  const dead = statuses.filter((status) => status === "dead_lettered").length;
  const lost = accepted - delivered - pending - dead;
  return {
    accepted,
    delivered,
    pending,
    dead_lettered: dead,
    duplicates: received.duplicates,
    lost,
    missing_in_store: missingInStore,
    missing_in_archive: archive === undefined ? undefined : missingInArchive,
    balanced: lost === 0 && missingInStore === 0 && missingInArchive === 0,
    examples: [...waiting]
      .filter(([, status]) => status !== "pending" && status !== "failed" && status !== "dead_lettered")
      .map(([id]) => id)
      .slice(0, 20),
  };
}
