import { setTimeout as pause } from "node:timers/promises";
import { defined } from "../../../runtime/domain/defined.ts";
import { countReplay, countText, type ReplayBody } from "../count.ts";
import { CommandError, exits } from "../exits.ts";
import { command } from "../run.ts";
import { confirm, when } from "../text.ts";

interface Flags {
  readonly from?: string;
  readonly to?: string;
  readonly type?: readonly string[];
  readonly subscription?: readonly string[];
  readonly rate?: number;
  readonly yes: boolean;
  readonly wait: boolean;
}

const OVER = new Set(["succeeded", "failed", "cancelled"]);

export default command<Flags, string[]>(async ({ flags, out, process, client }, ...ids) => {
  const triggers = client();
  if (ids.length === 0 && flags.from === undefined) throw new CommandError("Name events, or a time with --from.");
  const body: ReplayBody = {
    ...(ids.length === 0 ? {} : { event_ids: ids }),
    ...(flags.from === undefined ? {} : { from: when(flags.from) }),
    ...(flags.to === undefined ? {} : { to: when(flags.to) }),
    ...(flags.type === undefined ? {} : { event_type: [...flags.type] }),
    ...(flags.subscription === undefined ? {} : { subscription_ids: [...flags.subscription] }),
    ...defined({ rate_per_second: flags.rate }),
  };
  const count = await countReplay(triggers, body);
  const goal =
    flags.subscription === undefined ? "every subscription that matches today" : flags.subscription.join(", ");
  if (count.events === 0 && !count.more) {
    out.answer({ count, confirmed: false }, () => "No such event is recorded: there is nothing to deliver again.");
    return ids.length === 0 ? exits.bad_news : exits.not_found;
  }
  if (!flags.yes) {
    const says = `${countText(count)} would be delivered again, to ${goal}, by ${triggers.url}.`;
    if (!process.stdin.isTTY) out.answer({ count, confirmed: false }, () => says);
    await confirm(process, flags.yes, `${says} Go on?`);
  }
  let replay = await triggers.replay(body as never);
  while (flags.wait && !OVER.has(replay.status)) {
    await pause(500);
    replay = await triggers.call("GET", "/replays/{id}", { params: { id: replay.replay_id } });
  }
  out.answer(
    { count, ...replay },
    () => `${replay.replay_id}  ${replay.status}  matched ${replay.matched}, sent ${replay.sent}`,
  );
  return replay.status === "failed" ? exits.bad_news : exits.done;
});
