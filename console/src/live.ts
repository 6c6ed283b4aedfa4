import { useEffect, useRef, useState } from "react";
import type { Environment } from "./api.ts";

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
const KEEP_ALIVE_MS = 5 * 60_000;

const addressOf = (env: Environment): string =>
  `${window.location.protocol === "https:" ? "wss" : "ws"}://${window.location.host}/live?environment=${env}`;

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
 * @returns how it stands: poll while it is `polling`
 * @example const state = useLive("metrics", { env, onMessage: ({ events }) => setEvents(Number(events)) });
 */
export function useLive(
  channel: Channel | readonly Channel[],
  { env, filter, onMessage, enabled = true }: LiveOptions,
): LiveState {
  const visible = useVisible();
  const [state, setState] = useState<LiveState>("connecting");
  const tell = useRef(onMessage);
  tell.current = onMessage;
  const wanted = JSON.stringify(filter ?? {});
  const named = [channel].flat().join(" ");
  useEffect(() => {
    if (!enabled || !visible) {
      setState(enabled ? "paused" : "polling");
      return;
    }
    let socket: WebSocket | undefined;
    let timer: number | undefined;
    let beat: number | undefined;
    let failures = 0;
    let over = false;
    /** The last event that was told: a new socket goes on after it. */
    let last: string | undefined;
    const channels = named.split(" ") as Channel[];
    const listen = () => {
      for (const each of channels) {
        const after = last === undefined || each !== "events" ? {} : { after: last };
        socket?.send(JSON.stringify({ subscribe: each, filter: JSON.parse(wanted), ...after }));
      }
    };
    const connect = () => {
      setState((before) => (before === "polling" ? before : "connecting"));
      socket = new WebSocket(addressOf(env));
      socket.addEventListener("open", listen);
      socket.addEventListener("message", ({ data }) => {
        const message = JSON.parse(String(data)) as LiveMessage & { subscribed?: string };
        if (message.subscribed !== undefined) {
          failures = 0;
          setState("live");
        }
        if (!channels.includes(message.channel)) return;
        if (message.channel === "events" && message.event_id !== undefined) last = message.event_id;
        tell.current(message);
      });
      socket.addEventListener("close", () => {
        window.clearInterval(beat);
        if (over) return;
        failures += 1;
        if (failures >= POLLING_AFTER) setState("polling");
        timer = window.setTimeout(connect, WAITS_MS[Math.min(failures, WAITS_MS.length) - 1]);
      });
      beat = window.setInterval(listen, KEEP_ALIVE_MS);
    };
    connect();
    return () => {
      over = true;
      window.clearTimeout(timer);
      window.clearInterval(beat);
      socket?.close();
    };
  }, [named, env, wanted, enabled, visible]);
  return state;
}

/** Runs something now or soon, at most once in so many ms, however often it is asked for. */
export function useAtMost(every: number, run: () => void): () => void {
  const latest = useRef(run);
  latest.current = run;
  const timer = useRef<number | undefined>(undefined);
  const ranAt = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return () => {
    if (timer.current !== undefined) return;
    const wait = Math.max(0, ranAt.current + every - Date.now());
    timer.current = window.setTimeout(() => {
      timer.current = undefined;
      ranAt.current = Date.now();
      latest.current();
    }, wait);
  };
}

/** What a page says of how its figures come. */
export const liveWords: Readonly<Record<LiveState, string>> = {
  live: "Live",
  connecting: "Connecting…",
  polling: "No live connection: looking every few seconds",
  paused: "Paused while the page is hidden",
};
