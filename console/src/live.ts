import { useEffect, useRef, useState } from "react";
import { MINUTE_MS } from "../../runtime/domain/time.ts";
import type { Environment } from "./api.ts";
import { atMost } from "./atMost.ts";

/**
 * What happens, as it happens: a socket on this host, which the session's cookie opens. A page that can't have one polls instead, and
 * says so.
 */

export type Channel = "metrics" | "events" | "deliveries" | "alerts";

/** One message of a channel; docs/live.md has the members of each. */
export interface LiveMessage {
  readonly channel: Channel;
  /** So many were left out. */
  readonly skipped?: number;
  readonly event_id?: string;
  readonly [member: string]: unknown;
}

/** `live`: messages come. `connecting`: soon. `polling`: there is no socket, the page has to ask. `paused`: nobody looks at the page. */
export type LiveState = "live" | "connecting" | "polling" | "paused";

export interface LiveOptions {
  readonly env: Environment;
  /** As the channel takes it. */
  readonly filter?: Readonly<Record<string, unknown>> | undefined;
  /** Told of each message, while somebody looks at the page. */
  readonly onMessage: (message: LiveMessage) => void;
  /** Whether to listen at all. @default true */
  readonly enabled?: boolean;
}

/** Waits between attempts to connect, ms; the last one is repeated. From the second failure on the page polls. */
const WAITS_MS = [500, 2_000, 5_000, 15_000, 30_000];
const POLLING_AFTER = 2;
/** An idle socket is closed by the other side after ten minutes. */
const KEEP_ALIVE_MS = 5 * MINUTE_MS;
/** What is asked on a socket is answered within this time, or the socket is dead: nobody tells a machine that slept. */
const ANSWER_MS = 15_000;
const TICK_MS = 10_000;
/** A tick that is as late as this comes after a sleep. */
const SLEPT_MS = 3 * TICK_MS;
/** How long a socket stays open after its last listener: the next page may want the same. */
const LINGER_MS = 2_000;

const addressOf = (env: Environment): string =>
  `${window.location.protocol === "https:" ? "wss" : "ws"}://${window.location.host}/live?environment=${env}`;

/** A listener to some channels. */
interface Listener {
  readonly channels: readonly Channel[];
  readonly tell: (message: LiveMessage) => void;
  readonly stands: (state: LiveState) => void;
}

/** One socket for all listeners of the same side and the same filter. On a socket, a channel has one filter. */
interface Shared {
  readonly add: (listener: Listener) => void;
  readonly remove: (listener: Listener) => void;
}

/** Open ones, by side and filter. */
const sockets = new Map<string, Shared>();

/** @param filter as JSON @param gone told when the socket is closed after its last listener left */
function share(env: Environment, filter: string, gone: () => void): Shared {
  const listeners = new Set<Listener>();
  /** Channels that the open socket was asked for. */
  const asked = new Set<Channel>();
  let socket: WebSocket | undefined;
  let timer: number | undefined;
  let leaving: number | undefined;
  let beat: number | undefined;
  let silence: number | undefined;
  let failures = 0;
  let state: LiveState = "connecting";
  /** The last event that was told: a new socket goes on after it. */
  let last: string | undefined;
  const stand = (next: LiveState) => {
    state = next;
    for (const { stands } of listeners) stands(next);
  };
  const ask = () => {
    if (socket?.readyState !== WebSocket.OPEN) return;
    const wanted = new Set([...listeners].flatMap(({ channels }) => channels));
    for (const channel of wanted) {
      if (asked.has(channel)) continue;
      asked.add(channel);
      const after = last === undefined || channel !== "events" ? {} : { after: last };
      socket.send(JSON.stringify({ subscribe: channel, filter: JSON.parse(filter), ...after }));
    }
    for (const channel of [...asked]) {
      if (wanted.has(channel)) continue;
      asked.delete(channel);
      if (channel === "events") last = undefined;
      socket.send(JSON.stringify({ unsubscribe: channel }));
    }
  };
  const askAgain = () => {
    asked.clear();
    ask();
  };
  const lose = (lost: WebSocket) => {
    if (socket !== lost) return;
    socket = undefined;
    window.clearInterval(beat);
    window.clearTimeout(silence);
    failures += 1;
    if (failures >= POLLING_AFTER) stand("polling");
    timer = window.setTimeout(connect, WAITS_MS[Math.min(failures, WAITS_MS.length) - 1]);
    lost.close();
  };
  const keepAlive = (kept: WebSocket) => {
    askAgain();
    window.clearTimeout(silence);
    silence = window.setTimeout(() => lose(kept), ANSWER_MS);
  };
  const connect = () => {
    if (state !== "polling") stand("connecting");
    const made = new WebSocket(addressOf(env));
    socket = made;
    made.addEventListener("open", askAgain);
    made.addEventListener("message", ({ data }) => {
      window.clearTimeout(silence);
      const message = JSON.parse(String(data)) as LiveMessage & { subscribed?: string };
      if (message.subscribed !== undefined) {
        failures = 0;
        if (state !== "live") stand("live");
      }
      if (message.channel === "events" && message.event_id !== undefined) last = message.event_id;
      for (const { channels, tell } of listeners) if (channels.includes(message.channel)) tell(message);
    });
    made.addEventListener("close", () => lose(made));
    let [kept, ticked] = [Date.now(), Date.now()];
    beat = window.setInterval(() => {
      const now = Date.now();
      if (now - ticked > SLEPT_MS || now - kept >= KEEP_ALIVE_MS) {
        kept = now;
        keepAlive(made);
      }
      ticked = now;
    }, TICK_MS);
  };
  const close = () => {
    gone();
    window.clearTimeout(timer);
    window.clearInterval(beat);
    window.clearTimeout(silence);
    const open = socket;
    socket = undefined;
    open?.close();
  };
  connect();
  return {
    add(listener) {
      window.clearTimeout(leaving);
      listeners.add(listener);
      listener.stands(state);
      ask();
    },
    remove(listener) {
      listeners.delete(listener);
      ask();
      if (listeners.size === 0) leaving = window.setTimeout(close, LINGER_MS);
    },
  };
}

function listenOver(env: Environment, filter: string, listener: Listener): () => void {
  const key = `${env} ${filter}`;
  const shared = sockets.get(key) ?? share(env, filter, () => sockets.delete(key));
  sockets.set(key, shared);
  shared.add(listener);
  return () => shared.remove(listener);
}

/** Whether somebody can see the page. */
function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const look = () => setVisible(!document.hidden);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, []);
  return visible;
}

/**
 * Listens to a channel, or several, while the page is seen. After a break events go on where they stopped.
 * @returns how it stands: poll while it is `polling`, and look once when it becomes `live`
 * @example const state = useLive("metrics", { env, onMessage: ({ events }) => setEvents(Number(events)) });
 */
export function useLive(
  channel: Channel | readonly Channel[],
  { env, filter, onMessage, enabled = true }: LiveOptions,
): LiveState {
  const visible = useVisible();
  const [state, setState] = useState<LiveState>("connecting");
  const latest = useRef(onMessage);
  latest.current = onMessage;
  const wanted = JSON.stringify(filter ?? {});
  const named = [channel].flat().join(" ");
  useEffect(() => {
    if (!enabled || !visible) {
      setState(enabled ? "paused" : "polling");
      return;
    }
    const channels = named.split(" ") as Channel[];
    return listenOver(env, wanted, { channels, tell: (message) => latest.current(message), stands: setState });
  }, [named, env, wanted, enabled, visible]);
  return state;
}

/** Runs something now or soon, at most once in so many ms and never twice at a time, however often it is asked for. */
export function useAtMost(every: number, run: () => unknown): () => void {
  const latest = useRef(run);
  latest.current = run;
  const [rhythm] = useState(() => atMost(every, () => latest.current()));
  useEffect(() => rhythm.stop, [rhythm]);
  return rhythm.ask;
}

/** What a page says of how its figures come. */
export const liveWords: Readonly<Record<LiveState, string>> = {
  live: "Live",
  connecting: "Connecting…",
  polling: "No live connection: looking every few seconds",
  paused: "Paused while the page is hidden",
};
