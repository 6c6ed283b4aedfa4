import { setTimeout as pause } from "node:timers/promises";
import WebSocket from "ws";
import { defined } from "../../../runtime/domain/defined.ts";
import type { Triggers } from "../../../sdk/typescript/src/client.ts";

/**
 * Rings when the platform says over a socket that an event was stored (docs/live.md). What it says is not shown: the list is asked,
 * which has payloads, takes every filter, and misses nothing. So a socket that breaks costs time, but no event.
 */

/** Waits before a socket is tried again, ms; the last one is repeated. The first follows the end that every socket has. */
const WAITS_MS = [250, 1_000, 5_000, 15_000, 30_000];
/** An idle socket is closed by the other side after ten minutes. */
const KEEP_ALIVE_MS = 5 * 60_000;
/** A handshake that nobody answers. */
const HANDSHAKE_MS = 10_000;

interface Said {
  readonly channel?: string;
  readonly event_id?: string;
  readonly subscribed?: string;
  readonly error?: { readonly message: string };
}

export interface BellOptions {
  /** Types to hear of, as patterns. @default all */
  readonly types?: readonly string[] | undefined;
  /** The last event that is known: a new socket goes on after it. */
  after(): string | undefined;
  /** Called when the socket is lost, with the reason, and with undefined once there is one again. */
  missing(why: string | undefined): void;
  readonly signal: AbortSignal;
}

export class Bell {
  /** Ids that were told of and not yet shown. */
  readonly awaited = new Set<string>();
  #open = false;
  #rung = false;
  #wake: () => void = () => undefined;
  readonly #triggers: Triggers;
  readonly #options: BellOptions;

  constructor(triggers: Triggers, options: BellOptions) {
    this.#triggers = triggers;
    this.#options = options;
    void this.#listen();
  }

  /** Whether it will ring by itself. */
  get open(): boolean {
    return this.#open;
  }

  /** Resolves when it rings, or has rung since the last time, or after so many ms. */
  async next(ms: number): Promise<"rung" | "time"> {
    const { signal } = this.#options;
    const over = new AbortController();
    const time = pause(ms, "time" as const, { signal: AbortSignal.any([signal, over.signal]) }).catch(
      () => "time" as const,
    );
    const rung = new Promise<"rung">((resolve) => {
      this.#wake = () => resolve("rung");
      if (this.#rung) resolve("rung");
    });
    const which = await Promise.race([time, rung]);
    over.abort();
    this.#rung = false;
    return which;
  }

  #ring(): void {
    this.#rung = true;
    this.#wake();
  }

  async #listen(): Promise<void> {
    const { signal } = this.#options;
    let told = false;
    for (let failures = 0; !signal.aborted; ) {
      const why = await this.#oneSocket(() => {
        failures = 0;
        if (told) this.#options.missing(undefined);
        told = false;
      });
      if (this.#open) this.#ring();
      this.#open = false;
      if (signal.aborted) return;
      // The first failure may be the end that every socket has.
      if (failures > 0 && !told) this.#options.missing(why);
      told ||= failures > 0;
      await pause(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)], undefined, { signal }).catch(() => undefined);
      failures += 1;
    }
  }

  /** @param heard called as soon as the platform tells of events @returns why the socket ended. Never throws. */
  async #oneSocket(heard: () => void): Promise<string> {
    const { types, signal } = this.#options;
    try {
      const { url, ticket } = await this.#triggers.call("POST", "/live/tickets", { body: {}, signal });
      const socket = new WebSocket(`${url}?ticket=${encodeURIComponent(ticket)}`, { handshakeTimeout: HANDSHAKE_MS });
      const stop = () => socket.terminate();
      signal.addEventListener("abort", stop, { once: true });
      const subscribe = () => {
        const last = this.#options.after();
        socket.send(
          JSON.stringify({
            subscribe: "events",
            ...(types === undefined ? {} : { filter: { event_type: types } }),
            ...defined({ after: last }),
          }),
        );
      };
      const beat = setInterval(() => socket.readyState === WebSocket.OPEN && subscribe(), KEEP_ALIVE_MS);
      let why = "the socket was closed";
      try {
        await new Promise<void>((resolve) => {
          socket.on("open", subscribe);
          socket.on("message", (data) => {
            const { channel, event_id, subscribed, error } = JSON.parse(String(data)) as Said;
            if (error !== undefined) {
              why = error.message;
              socket.close();
            }
            if (event_id !== undefined) this.awaited.add(event_id);
            if (subscribed !== undefined) {
              this.#open = true;
              heard();
            }
            if (channel !== undefined || subscribed !== undefined) this.#ring();
          });
          socket.on("error", ({ message }) => (why = message));
          socket.on("close", () => resolve());
        });
      } finally {
        clearInterval(beat);
        signal.removeEventListener("abort", stop);
      }
      return why;
    } catch (error) {
      return (error as Error).message;
    }
  }
}
