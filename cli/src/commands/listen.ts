import { spawn } from "node:child_process";
import { hostname } from "node:os";
import type { Subscription } from "../../../sdk/typescript/src/client.ts";
import { CommandError, exits } from "../exits.ts";
import { forward, type Outcome, type Post } from "../listen/forward.ts";
import { type Kept, keptListen } from "../listen/kept.ts";
import { copy, named, onKeys } from "../listen/keyboard.ts";
import { type Pulled, pull } from "../listen/pull.ts";
import { makePulled, type Shape, stillThere } from "../listen/subscription.ts";
import { clientFor, command } from "../run.ts";
import { type SelectorFlags, selectorOf } from "../selector.ts";
import { connectionOf } from "../settings.ts";

interface Flags extends SelectorFlags {
  readonly path?: string;
  readonly like?: string;
  readonly single: boolean;
  readonly payload: boolean;
  readonly keep: boolean;
  readonly count?: number;
}

/** Events of every type. */
const ALL = "$";
/** A signature is valid for five minutes: for an older event, the platform is asked for a new one. */
const FRESH_MS = 4 * 60_000;

/** A port of this machine, or a whole address. @throws CommandError */
function targetOf(text: string, path: string | undefined): URL {
  if (/^\d+$/.test(text) && Number(text) > 0 && Number(text) < 65_536)
    return new URL(path ?? "/", `http://127.0.0.1:${text}`);
  if (path !== undefined) throw new CommandError("--path belongs to a port: write an address with its path in it.");
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return new URL(text);
  throw new CommandError(`${text} is no port and no address: write 3000, or http://127.0.0.1:3000/webhook.`);
}

function shapeOf(flags: Flags, like: Subscription | undefined): Shape {
  const asked = selectorOf(flags, undefined, like === undefined ? ALL : (undefined as never));
  return {
    event_selector: asked as Shape["event_selector"],
    ...(like?.transform ? { transform: like.transform } : {}),
    ...(like?.enrich ? { enrich: like.enrich } : {}),
    format: flags.payload ? "payload" : (like?.format ?? "event"),
    max_batch: flags.single ? 1 : (like?.max_batch ?? 100),
  };
}

const outcomeText = (outcome: Exclude<Outcome, { kind: "absent" }>): string =>
  outcome.kind === "answered" ? `${outcome.status} in ${outcome.ms} ms` : `${outcome.why} (${outcome.ms} ms)`;

const opener: Partial<Record<NodeJS.Platform, string>> = { darwin: "open", win32: "explorer" };

export default command<Flags, [target: string]>(async ({ flags, out, process }, text) => {
  const target = targetOf(text, flags.path);
  const connection = connectionOf(flags, process.env, process.cwd());
  // The loop itself waits and tells.
  const triggers = clientFor(flags, process, 0);
  const patient = clientFor(flags, process);
  const like =
    flags.like === undefined
      ? undefined
      : await patient.call("GET", "/subscriptions/{id}", { params: { id: flags.like } });
  const asked = flags.type !== undefined || flags.jsonpath !== undefined || flags.cel !== undefined;
  const shape: Shape =
    like !== undefined && !asked
      ? { ...shapeOf({ ...flags, jsonpath: ALL }, like), event_selector: like.event_selector }
      : shapeOf(flags, like);
  const environment = connection.apiKey.split("_")[1];
  const kept = keptListen(process.env, [connection.url, environment, target.href, shape]);
  const stop = new AbortController();
  let leave = flags.keep;
  let forwarded = 0;

  async function subscription(): Promise<Kept> {
    const known = kept.read();
    if (known !== undefined && (await stillThere(patient, known))) return known;
    const made = await makePulled(patient, shape, `listen on ${hostname()}, ${target.host}`.slice(0, 256));
    kept.write(made);
    return made;
  }

  /** What was handed on, the last one at the end; `at` is the one that keys are about. */
  const past: { readonly event: Pulled; readonly post: Post; readonly at: number }[] = [];
  let chosen = -1;
  const current = () => past.at(chosen);
  const told = {
    forwarded(event: Pulled, outcome: Exclude<Outcome, { kind: "absent" }>, again = false): void {
      const { event_id, event_type } = event;
      const good = outcome.kind === "answered" && outcome.status >= 200 && outcome.status < 300;
      out.answer(
        {
          event_id,
          event_type,
          ...(outcome.kind === "answered" ? { status_code: outcome.status } : { error: outcome.why }),
          latency_ms: outcome.ms,
          ...(again ? { again } : {}),
        },
        () =>
          `${new Date().toISOString().slice(11, 23)}  ${event_id}  ${(event_type ?? "(no type)").padEnd(20)}  ${out.paint(outcomeText(outcome), good ? 32 : 31)}`,
      );
      if (again) return;
      past.push({ event, post: event.request!, at: Date.now() });
      if (past.length > 100) past.shift();
      chosen = -1;
      forwarded += 1;
      if (flags.count !== undefined && forwarded >= flags.count) stop.abort();
    },
    unmade(event: Pulled, why: string): void {
      out.answer({ event_id: event.event_id, error: why }, () => `${event.event_id}  ${out.paint(why, 31)}`);
    },
    targetAway(away: boolean): void {
      out.note(away ? `Nothing listens at ${target.href}: what arrives waits.` : `${target.href} listens again.`);
    },
    platformAway(away: boolean, why: string): void {
      out.note(away ? `${why} What arrives there is kept; trying again.` : "The platform answers again.");
    },
  };

  async function resend(): Promise<void> {
    const one = current();
    if (one === undefined) return;
    if (Date.now() - one.at < FRESH_MS) {
      const outcome = await forward(target, one.post);
      if (outcome.kind === "absent") return told.targetAway(true);
      return told.forwarded(one.event, outcome, true);
    }
    out.note(`Asking the platform to send ${one.event.event_id} again, signed anew.`);
    await triggers.replay({ event_ids: [one.event.event_id], subscription_ids: [held.subscription_id] });
  }

  function move(step: number): void {
    if (past.length === 0) return;
    chosen = Math.max(-past.length, Math.min(-1, chosen + step));
    out.note(`› ${current()!.event.event_id}  ${current()!.event.event_type ?? "(no type)"}`);
  }

  const leaveRunning = () => {
    leave = true;
    stop.abort();
  };
  process.once("SIGINT", () => stop.abort());
  // The terminal was closed, or the machine goes down: the next start goes on.
  process.once("SIGHUP", leaveRunning);
  process.once("SIGTERM", leaveRunning);

  let held = await subscription();
  const silent = onKeys(process, {
    r: () => void resend().catch((error: Error) => out.note(error.message)),
    o: () => {
      const page = `${connection.url}/console/events/${current()?.event.event_id ?? ""}`;
      spawn(opener[process.platform] ?? "xdg-open", [page], { stdio: "ignore", detached: true })
        .on("error", () => out.note(page))
        .unref();
    },
    c: () => {
      const one = current();
      if (one === undefined) return;
      copy(process, one.post.body);
      out.note(`Copied the body of ${one.event.event_id}.`);
    },
    k: () => move(-1),
    j: () => move(1),
    [named.up]: () => move(-1),
    [named.down]: () => move(1),
    q: () => stop.abort(),
    [named.ctrlC]: () => stop.abort(),
  });
  try {
    const hints = process.stdin.isTTY
      ? ["Keys: r send again, o open in the console, c copy, up and down choose, q end."]
      : [];
    out.answer(
      { listening: target.href, platform: connection.url, ...held, event_selector: shape.event_selector },
      () => [
        `What matches ${JSON.stringify(shape.event_selector)} at ${connection.url} goes to ${target.href}.`,
        `Its signing secret is ${held.signing_secret}`,
        "It counts for events accepted five seconds from now.",
        ...hints,
      ],
    );
    while (
      (await pull(triggers, held.subscription_id, (post) => forward(target, post), told, stop.signal)) === "gone"
    ) {
      kept.forget();
      held = await subscription();
      out.answer(
        { renewed: true, ...held },
        () => `Its subscription was removed; the new one's signing secret is ${held.signing_secret}`,
      );
    }
  } finally {
    silent();
  }
  if (leave) {
    out.note("Its subscription is kept: the next start goes on where this one ends.");
    return exits.done;
  }
  await patient.unsubscribe(held.subscription_id);
  kept.forget();
  return exits.done;
});
