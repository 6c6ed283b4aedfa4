import { setTimeout as pause } from "node:timers/promises";
import type { Event } from "../../../sdk/typescript/src/client.ts";
import { TriggersConnectionError, TriggersError } from "../../../sdk/typescript/src/errors.ts";
import { writeLossless } from "../../../sdk/typescript/src/lossless.ts";
import { clientFor, command } from "../run.ts";
import { when } from "../text.ts";

interface Flags {
  readonly type?: readonly string[];
  readonly filter?: string;
  readonly contains?: string;
  readonly since?: string;
  readonly count?: number;
}

const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;
/** An event is listed within a second of its 202, usually: those that come later are still met. */
const OVERLAP_MS = 15_000;

const away = (error: unknown): boolean =>
  error instanceof TriggersConnectionError ||
  (error instanceof TriggersError && (error.status >= 500 || error.status === 429));

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
  const show = (event: Event) => {
    told += 1;
    out.answer(event, () => {
      const { event_id, event_type, received_at, status, payload } = event;
      const text = writeLossless(payload);
      const room = Math.max(40, (process.stdout.columns ?? 200) - 90);
      return `${received_at}  ${event_id}  ${(event_type ?? "(no type)").padEnd(20)}  ${status.padEnd(13)}  ${out.paint(text.length > room ? `${text.slice(0, room)}…` : text, 2)}`;
    });
  };
  out.note(`Events of ${triggers.url} as they come in (Ctrl-C ends).`);
  while (!stop.signal.aborted && (flags.count === undefined || told < flags.count)) {
    try {
      const query = {
        order: "asc" as const,
        acknowledged: "all" as const,
        from: new Date(Math.max(begin, from - OVERLAP_MS)).toISOString(),
        ...(flags.type === undefined ? {} : { event_type: [...flags.type] }),
        ...(flags.filter === undefined ? {} : { filter: flags.filter }),
        ...(flags.contains === undefined ? {} : { q: flags.contains }),
      };
      for await (const event of triggers.inbox(query, { signal: stop.signal })) {
        if (shown.has(event.event_id)) continue;
        if (flags.count !== undefined && told >= flags.count) break;
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
      if (!away(error)) throw error;
      if (wait === PAUSE_MS) out.note(`${(error as Error).message} What arrives there is kept; trying again.`);
      wait = Math.min(LONGEST_PAUSE_MS, wait * 2);
    }
    if (flags.count === undefined || told < flags.count)
      await pause(wait, undefined, { signal: stop.signal }).catch(() => undefined);
  }
});
