import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { offsetOf, timeOf, ulidAt } from "../runtime/domain/ids.ts";
import { Histogram } from "./histogram.ts";

/**
 * The webhook receiver of a load run: counts how often each event id came and how long after acceptance, per second.
 *   /ok/…       200 at once
 *   /failing/…  500 to the first attempt of every delivery (`triggers-attempt: 1`), 200 afterwards
 *   /hanging/…  never answers
 * Only what was answered 200 counts as received.
 */

/** ULIDs that share their first 24 characters: one slot a ULID, so three million ids stay in a few hundred megabytes. */
const PREFIX = 24;
const SLOTS = 1_024;
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const VALUE = new Uint8Array(128);
for (let i = 0; i < ALPHABET.length; i += 1) VALUE[ALPHABET.charCodeAt(i)] = i;

export class Received {
  readonly #counts = new Map<string, Uint8Array>();
  distinct = 0;
  duplicates = 0;

  add(ulid: string): void {
    const prefix = ulid.slice(0, PREFIX);
    let counts = this.#counts.get(prefix);
    if (counts === undefined) {
      counts = new Uint8Array(SLOTS);
      // A slice would keep the whole body it was cut from: the key is a text of its own.
      this.#counts.set(Buffer.from(prefix, "latin1").toString("latin1"), counts);
    }
    const slot = VALUE[ulid.charCodeAt(PREFIX)]! * 32 + VALUE[ulid.charCodeAt(PREFIX + 1)]!;
    if (counts[slot] === 0) this.distinct += 1;
    else this.duplicates += 1;
    if (counts[slot]! < 255) counts[slot]! += 1;
  }

  has(ulid: string): boolean {
    const slot = VALUE[ulid.charCodeAt(PREFIX)]! * 32 + VALUE[ulid.charCodeAt(PREFIX + 1)]!;
    return (this.#counts.get(ulid.slice(0, PREFIX))?.[slot] ?? 0) > 0;
  }

  /** Of `count` consecutive ULIDs from `first`, those that never came. */
  missing(first: string, count: number): string[] {
    const missing: string[] = [];
    for (let i = 0; i < count; i += 1) {
      const ulid = ulidAt(first, i);
      if (!this.has(ulid)) missing.push(ulid);
    }
    return missing;
  }
}

export interface Second {
  readonly second: number;
  events: number;
  posts: number;
  readonly latency: Histogram;
}

export interface LoadReceiver {
  readonly url: string;
  readonly received: Received;
  /** End-to-end latency of events to healthy endpoints, milliseconds. */
  readonly latency: Histogram;
  readonly seconds: Map<number, Second>;
  /** Forgets latencies and rates, as after a warm-up; what was received stays on the account. */
  reset(): void;
  close(): Promise<void>;
}

const MARK = '"event_id":"evt_';

export async function startReceiver(port = 0): Promise<LoadReceiver> {
  const received = new Received();
  const latency = new Histogram();
  const seconds = new Map<number, Second>();

  const take = (text: string, now: number, healthy: boolean): void => {
    const second = Math.floor(now / 1000);
    let row = seconds.get(second);
    if (row === undefined) {
      row = { second, events: 0, posts: 0, latency: new Histogram() };
      seconds.set(second, row);
    }
    row.posts += 1;
    let run = "";
    let waited = 0;
    for (let at = text.indexOf(MARK); at >= 0; at = text.indexOf(MARK, at + MARK.length)) {
      const ulid = text.slice(at + MARK.length, at + MARK.length + 26);
      received.add(ulid);
      if (run === "" || offsetOf(run, ulid, 1_000) < 0) {
        run = ulid;
        waited = Math.max(0, now - timeOf(ulid));
      }
      row.events += 1;
      if (!healthy) continue;
      row.latency.add(waited);
      latency.add(waited);
    }
  };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const kind = request.url?.split("/")[1];
      if (kind === "hanging") return;
      if (kind === "failing" && request.headers["triggers-attempt"] === "1") {
        response.writeHead(500).end();
        return;
      }
      response.writeHead(200).end();
      take(Buffer.concat(chunks).toString("latin1"), Date.now(), kind === "ok");
    });
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, answer);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    latency,
    seconds,
    reset: () => {
      latency.clear();
      seconds.clear();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
