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
  /** So many ids the store was asked about. */
  readonly asked_in_store: number;
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

const IDS_A_LOOKUP = 1_000;

/**
 * Asks about ids of runs, and hands over what each is said to be: undefined where it is not there. Ids are made when they are
 * asked about: millions of them kept for later would be gone through by each collection of garbage.
 */
async function lookUp(
  runs: readonly AcceptedRun[],
  idsOf: (run: AcceptedRun) => string[],
  lookup: Lookup,
  take: (id: string, status: string | undefined) => void,
): Promise<void> {
  const waiting = new Map<number, string[]>();
  const ask = async (customer: number, ids: readonly string[]): Promise<void> => {
    const found = await lookup(customer, ids);
    for (const id of ids) take(id, found.get(id));
  };
  for (const run of runs) {
    const ids = [...(waiting.get(run.customer) ?? []), ...idsOf(run)];
    while (ids.length >= IDS_A_LOOKUP) await ask(run.customer, ids.splice(0, IDS_A_LOOKUP));
    waiting.set(run.customer, ids);
  }
  for (const [customer, ids] of waiting) if (ids.length > 0) await ask(customer, ids);
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
  let askedInStore = 0;
  let missingInStore = 0;
  await lookUp(
    runs.filter((_, i) => i % sample === 0),
    (run) => Array.from({ length: run.count }, (_, i) => eventId(ulidAt(run.first, i))),
    lookup,
    (_, status) => {
      askedInStore += 1;
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
    asked_in_store: askedInStore,
    missing_in_store: missingInStore,
    missing_in_archive: archive === undefined ? undefined : missingInArchive,
    balanced: lost === 0 && missingInStore === 0 && missingInArchive === 0,
    examples: [...waiting]
      .filter(([, status]) => status !== "pending" && status !== "failed" && status !== "dead_lettered")
      .map(([id]) => id)
      .slice(0, 20),
  };
}
