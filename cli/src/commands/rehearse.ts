import type { SubscriptionRequest } from "../../../sdk/typescript/src/client.ts";
import { writeLossless } from "../../../sdk/typescript/src/lossless.ts";
import { exits } from "../exits.ts";
import { command } from "../run.ts";
import { type SelectorFlags, selectorOf } from "../selector.ts";
import { when } from "../text.ts";

export default command<SelectorFlags & { since: string; limit: number }, [selector?: string]>(
  async ({ flags, out, client }, text) => {
    const event_selector = selectorOf(flags, text) as SubscriptionRequest["event_selector"];
    const { examined, matched, samples, near_misses, next_cursor } = await client().rehearse({
      event_selector,
      from: when(flags.since),
      limit: flags.limit,
    });
    out.answer({ examined, matched, samples, near_misses, more: next_cursor !== null }, () => [
      `${matched} of ${examined} events would have matched${next_cursor === null ? "" : " (there are more; raise --limit)"}.`,
      ...samples.map(
        ({ event }) =>
          `  yes  ${event.event_id}  ${event.event_type ?? "(no type)"}  ${writeLossless(event.payload).slice(0, 100)}`,
      ),
      ...near_misses.map(({ event_id, because }) => `  no   ${event_id}  ${because}`),
    ]);
    return matched === 0 ? exits.bad_news : exits.done;
  },
);
