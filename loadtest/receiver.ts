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

/**
 * ULIDs that share their first 24 characters have a stretch of counters, one a ULID, so millions of ids take little memory;
 * a thousand stretches share a block, since the collector goes through every buffer there is.
 */
const PREFIX = 24;
const SLOTS = 1_024;
const STRETCHES = 1_024;
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const VALUE = new Uint8Array(128);
for (let i = 0; i < ALPHABET.length; i += 1) VALUE[ALPHABET.charCodeAt(i)] = i;

const slotOf = (ulid: string): number =>
  VALUE[ulid.charCodeAt(PREFIX)]! * ALPHABET.length + VALUE[ulid.charCodeAt(PREFIX + 1)]!;

export class Received {
  readonly #stretches = new Map<string, number>();
  readonly #blocks: Uint8Array[] = [];
  distinct = 0;
  duplicates = 0;

  add(ulid: string): void {
    const prefix = ulid.slice(0, PREFIX);
    let stretch = this.#stretches.get(prefix);
    if (stretch === undefined) {
      stretch = this.#stretches.size;
      if (stretch % STRETCHES === 0) this.#blocks.push(new Uint8Array(STRETCHES * SLOTS));
      // A slice would keep the whole text it was cut from: the key is a text of its own.
      this.#stretches.set(Buffer.from(prefix, "latin1").toString("latin1"), stretch);
    }
    const block = this.#blocks[Math.floor(stretch / STRETCHES)]!;
    const slot = (stretch % STRETCHES) * SLOTS + slotOf(ulid);
    if (block[slot] === 0) this.distinct += 1;
    else this.duplicates += 1;
    if (block[slot]! < 255) block[slot]! += 1;
  }

  has(ulid: string): boolean {
    const stretch = this.#stretches.get(ulid.slice(0, PREFIX));
    if (stretch === undefined) return false;
    return this.#blocks[Math.floor(stretch / STRETCHES)]![(stretch % STRETCHES) * SLOTS + slotOf(ulid)]! > 0;
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

const ULID_LENGTH = 26;

/** Searched for in the bytes: texts of whole bodies would have to be collected again, on processors that are measured. */
const MARK = Buffer.from('"event_id":"evt_');

/** Hands over the ULIDs of the event ids in the bytes. @returns where the rest begins that may hold a beginning of one */
export function ulidsOf(bytes: Buffer, take: (ulid: string) => void): number {
  let from = 0;
  for (;;) {
    const at = bytes.indexOf(MARK, from);
    const end = at + MARK.length + ULID_LENGTH;
    if (at < 0) return Math.max(from, bytes.length - MARK.length + 1);
    if (end > bytes.length) return at;
    take(bytes.toString("latin1", at + MARK.length, end));
    from = end;
  }
}

export async function startReceiver(port = 0): Promise<LoadReceiver> {
  const received = new Received();
  const latency = new Histogram();
  const seconds = new Map<number, Second>();

  const take = (body: Buffer, now: number, healthy: boolean): void => {
    const second = Math.floor(now / 1000);
    const row = seconds.get(second) ?? { second, events: 0, posts: 0, latency: new Histogram() };
    seconds.set(second, row);
    row.posts += 1;
    let run = "";
    let waited = 0;
    ulidsOf(body, (ulid) => {
      received.add(ulid);
      if (run === "" || offsetOf(run, ulid, 1_000) < 0) {
        run = ulid;
        waited = Math.max(0, now - timeOf(ulid));
      }
      row.events += 1;
      if (!healthy) return;
      row.latency.add(waited);
      latency.add(waited);
    });
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
      take(Buffer.concat(chunks), Date.now(), kind === "ok");
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
