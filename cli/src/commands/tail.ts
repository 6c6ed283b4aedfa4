import { setTimeout as pause } from "node:timers/promises";
import { defined } from "../../../runtime/domain/defined.ts";
import type { Event } from "../../../sdk/typescript/src/client.ts";
import { writeLossless } from "../../../sdk/typescript/src/lossless.ts";
import { isAway, longerPause } from "../away.ts";
import { clientFor, command } from "../run.ts";
import { Bell } from "../tail/bell.ts";
import { when } from "../text.ts";

interface Flags {
  readonly type?: readonly string[];
  readonly filter?: string;
  readonly contains?: string;
  readonly since?: string;
  readonly count?: number;
}

/** Between two looks while there is no socket. */
const PAUSE_MS = 1_000;
/** Between two looks while a socket tells of events: it may have left one out. */
const QUIET_MS = 30_000;
/** A socket tells of an event before it is listed: pauses between the looks for such an event, ms. */
const AWAITED_MS = [200, 500, 1_000, 3_000];
const GATHER_MS = 100;
/** An event is listed within a second of its 202, usually: those that come later are still met. */
const OVERLAP_MS = 15_000;

export default command<Flags, []>(async ({ flags, out, process }) => {
  const triggers = clientFor(flags, process, 0);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  /** Ids that were shown, with the time of each. */
  const shown = new Map<string, number>();
  let from = flags.since === undefined ? Date.now() : Date.parse(when(flags.since));
  const begin = from;
  let told = 0;
  let wait = PAUSE_MS;
  let last: string | undefined;
  let looks = 0;
  const isEnough = () => flags.count !== undefined && told >= flags.count;
  const show = (event: Event) => {
    told += 1;
    last = event.event_id;
    out.answer(event, () => {
      const { event_id, event_type, received_at, status, payload } = event;
      const text = writeLossless(payload);
      const room = Math.max(40, (process.stdout.columns ?? 200) - 90);
      return `${received_at}  ${event_id}  ${(event_type ?? "(no type)").padEnd(20)}  ${status.padEnd(13)}  ${out.paint(text.length > room ? `${text.slice(0, room)}…` : text, 2)}`;
    });
  };
  out.note(`Events of ${triggers.url} as they come in (Ctrl-C ends).`);
  const bell = new Bell(triggers, {
    types: flags.type,
    after: () => last,
    signal: stop.signal,
    missing: (why) =>
      out.note(
        why === undefined
          ? "The platform tells of events by itself again."
          : `There is no socket (${why}): asking every ${PAUSE_MS / 1_000} s instead. Nothing is lost.`,
      ),
  });
  /** How long to wait, unless the bell rings. */
  const quiet = (): number => {
    if (!bell.open || wait > PAUSE_MS) return wait;
    for (const id of bell.awaited) if (shown.has(id)) bell.awaited.delete(id);
    // What a filter leaves out is never shown.
    if (looks === AWAITED_MS.length) bell.awaited.clear();
    return bell.awaited.size === 0 ? QUIET_MS : AWAITED_MS[looks++]!;
  };
  try {
    await follow();
  } finally {
    stop.abort();
  }

  async function follow(): Promise<void> {
    for (;;) {
      try {
        const query = {
          order: "asc" as const,
          acknowledged: "all" as const,
          from: new Date(Math.max(begin, from - OVERLAP_MS)).toISOString(),
          ...(flags.type === undefined ? {} : { event_type: [...flags.type] }),
          ...defined({ filter: flags.filter, q: flags.contains }),
        };
        for await (const event of triggers.inbox(query, { signal: stop.signal })) {
          if (shown.has(event.event_id)) continue;
          if (isEnough()) break;
          const at = Date.parse(event.received_at);
          shown.set(event.event_id, at);
          from = Math.max(from, at);
          show(event);
        }
        for (const [id, at] of shown) if (at < from - 2 * OVERLAP_MS) shown.delete(id);
        if (wait > PAUSE_MS) out.note("The platform answers again.");
        wait = PAUSE_MS;
      } catch (error) {
        if (stop.signal.aborted) break;
        if (!isAway(error)) throw error;
        if (wait === PAUSE_MS) out.note(`${(error as Error).message} What arrives there is kept; trying again.`);
        wait = longerPause(wait);
      }
      if (stop.signal.aborted || isEnough()) break;
      if ((await bell.next(quiet())) === "time") continue;
      looks = 0;
      // What comes together is looked at together.
      await pause(GATHER_MS);
    }
  }
});
