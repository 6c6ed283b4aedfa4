import { randomBytes } from "node:crypto";
import type { LocalFile } from "../../local/platform/state.ts";
import { defined } from "../../runtime/domain/defined.ts";
import type { Dice } from "../fuzz/random.ts";
import { call } from "../support/platform.ts";

/** What was sent and what was answered, over all lives of the platform. */
export interface Ledger {
  /** Ids of every 202. */
  readonly accepted: Set<string>;
  /** By key: the ids of its 202, and how many requests with it were sent. */
  readonly keyed: Map<string, { readonly body: unknown; ids: readonly string[] | undefined; sent: number }>;
  /** Answers that a repeated key got and that differ from its first: there must be none. */
  readonly contradictions: string[];
  /** Answers by status, and `none` where the connection broke. */
  readonly answers: Map<string, number>;
  /** Events made so far: each carries its number, since chance alone repeats itself among some hundred thousand. */
  made: number;
}

export const newLedger = (): Ledger => ({
  accepted: new Set(),
  keyed: new Map(),
  contradictions: [],
  answers: new Map(),
  made: 0,
});

export const EVENT_TYPE = "drill.event";
/** How much is sent at once. */
interface Pace {
  readonly callers: number;
  /** Milliseconds between a caller's requests. */
  readonly pauseMs: number;
  /** Events of a request, one time in four; otherwise one. */
  readonly batch: number;
  /** Whether some events are large. */
  readonly large: boolean;
}
const STEADY: Pace = { callers: 4, pauseMs: 20, batch: 20, large: true };
/** Far more than can be delivered at once. */
export const FLOOD: Pace = { callers: 24, pauseMs: 0, batch: 100, large: false };
const LARGE_BYTES = 700_000;
/** Text that no compression makes smaller: what is cut from it goes to the payload bucket. */
const NOISE = randomBytes(LARGE_BYTES)
  .toString("latin1")
  .replaceAll(/[^ -~]/g, "~");

/** Sends events from several callers until `over` says so. Broken connections and refusals are counted, and gone on from. */
export async function load(
  local: LocalFile,
  ledger: Ledger,
  dice: Dice,
  over: () => boolean,
  { callers, pauseMs, batch, large }: Pace = STEADY,
): Promise<void> {
  const caller = async () => {
    while (!over()) {
      const count = dice.oneIn(4) ? batch : 1;
      const pad = large && dice.oneIn(20) ? NOISE.slice(0, dice.below(LARGE_BYTES) / count) : "";
      const events = Array.from({ length: count }, () => ({ event_type: EVENT_TYPE, made: ++ledger.made, pad }));
      const body = count === 1 ? events[0] : events;
      const key = dice.oneIn(3) ? `drill-${ledger.made}` : undefined;
      if (key !== undefined) ledger.keyed.set(key, { body, ids: undefined, sent: 0 });
      await post(local, ledger, body, key);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** Sends again, with their keys, what had no answer, until `over` says so. */
export async function repeatUnanswered(local: LocalFile, ledger: Ledger, over = () => false): Promise<void> {
  const unanswered = [...ledger.keyed].filter(([, { ids }]) => ids === undefined);
  for (const [key, { body }] of unanswered) {
    if (over()) return;
    await post(local, ledger, body, key);
  }
}

async function post(local: LocalFile, ledger: Ledger, body: unknown, key: string | undefined): Promise<void> {
  const headers = defined({ "idempotency-key": key });
  const known = key === undefined ? undefined : ledger.keyed.get(key)!;
  if (known !== undefined) known.sent += 1;
  let status = "none";
  try {
    const answer = await call(local.url, "POST", "/events", { key: local.api_key, body, headers });
    status = String(answer.status);
    if (answer.status === 202) {
      const ids: string[] = answer.json.events?.map(({ event_id }: { event_id: string }) => event_id) ?? [
        answer.json.event_id,
      ];
      for (const id of ids) ledger.accepted.add(id);
      if (known?.ids !== undefined && known.ids.join() !== ids.join()) ledger.contradictions.push(key!);
      if (known !== undefined) known.ids = ids;
    }
  } catch {
    // The platform is gone, or its answer was cut off: whether it took the events is not known.
  }
  ledger.answers.set(status, (ledger.answers.get(status) ?? 0) + 1);
}
