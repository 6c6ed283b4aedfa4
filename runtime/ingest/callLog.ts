import { ageOf } from "../domain/age.ts";
import type { CallsMessage } from "../domain/codec/index.ts";
import { defined } from "../domain/defined.ts";
import { type Identity, type Tenant, tenantOf } from "../domain/identity/identity.ts";
import { MINUTE_MS, type Millis } from "../domain/time.ts";

/**
 * Requests that were answered without making a batch: refusals and replays. They are told to route, which counts them for
 * the audit, at once and then at most once a second, so that a flood of refusals costs no flood of messages. What an
 * environment has not told when it ends is lost: at most the refusals of its last second.
 */
const PAUSE_MS = 1_000;

type Call = CallsMessage["calls"][number];

export interface CallLogPorts {
  send(message: CallsMessage): Promise<void>;
  now(): Millis;
  /** Calls `run` after so many milliseconds; between invocations the environment stands still, and this with it. */
  after(ms: Millis, run: () => void): void;
  failed(cause: unknown): void;
}

export class CallLog {
  readonly #ports: CallLogPorts;
  #waiting = new Map<Tenant, Map<string, Call>>();
  #toldAt = Number.NEGATIVE_INFINITY;
  #queueAway = false;
  #toBeTold = false;

  constructor(ports: CallLogPorts) {
    this.#ports = ports;
  }

  add(identity: Identity, outcome: string): void {
    // The queue itself may be away: a caller that waits for a refusal must not wait for it a second time.
    this.#queueAway = outcome === "unavailable";
    const { key_id, source_ip } = identity;
    const at = Math.floor(this.#ports.now() / MINUTE_MS) * MINUTE_MS;
    const tenant = tenantOf(identity);
    const calls = this.#waiting.get(tenant) ?? new Map<string, Call>();
    this.#waiting.set(tenant, calls);
    const id = [at, key_id, source_ip, outcome].join(" ");
    const requests = (calls.get(id)?.requests ?? 0) + 1;
    const source = defined({ source_ip });
    calls.set(id, { at, key_id, ...source, call: "POST /events", outcome, requests, events: 0, bytes: 0 });
  }

  /** The last refusals of a burst are told without waiting for another call. */
  #tellLater(ms: Millis): void {
    if (this.#toBeTold) return;
    this.#toBeTold = true;
    this.#ports.after(ms, () => {
      this.#toBeTold = false;
      void this.tell();
    });
  }

  /** Tells what waits, if it is time. Never throws: calls that fail to be reported wait for the next time. */
  async tell(): Promise<void> {
    if (this.#waiting.size === 0 || this.#queueAway) return;
    const paused = ageOf(this.#toldAt, this.#ports.now());
    if (paused < PAUSE_MS) {
      this.#tellLater(PAUSE_MS - paused);
      return;
    }
    this.#toldAt = this.#ports.now();
    const waiting = this.#waiting;
    this.#waiting = new Map();
    await Promise.all(
      [...waiting].map(async ([tenant, calls]) => {
        try {
          await this.#ports.send({ tenant, calls: [...calls.values()] });
        } catch (cause) {
          this.#ports.failed(cause);
          if (!this.#waiting.has(tenant)) this.#waiting.set(tenant, calls);
        }
      }),
    );
  }
}
