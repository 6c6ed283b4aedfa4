import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Dynamodb } from "../aws/clients.ts";
import { between, putItem, queryPages, type Table } from "../aws/tables.ts";
import { newUlid } from "../domain/ids.ts";
import { rfc3339 } from "../domain/time.ts";

/** What a person sent from the composer, kept for 24 hours: request and answer whole, secrets cut. */

const KEPT_MS = 24 * 3_600_000;
/** An item of DynamoDB holds 400 KB; a body that compresses badly takes several. */
const PART_BYTES = 350_000;
const MOST_LISTED = 1_000;

export interface Send {
  readonly send_id: string;
  readonly at: string;
  readonly environment: string;
  readonly key_id: string;
  readonly key_name: string | null;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly duration_ms: number;
}

/** @param owner person and tenant */
const partition = (owner: string): string => `sends#${owner}`;

export class Sends {
  private readonly table: Table;
  private readonly now: () => number;

  constructor(dynamodb: Dynamodb, table: string, now: () => number) {
    this.table = { dynamodb, name: table };
    this.now = now;
  }

  async put(owner: string, send: Omit<Send, "send_id" | "at">): Promise<void> {
    const now = this.now();
    const id = `snd_${newUlid(now)}`;
    const packed = zstdCompressSync(JSON.stringify({ send_id: id, at: rfc3339(now), ...send }));
    const parts = Math.ceil(packed.length / PART_BYTES);
    // The first part last: a send is there with all of its parts, or not at all.
    for (let part = parts - 1; part >= 0; part -= 1) {
      await putItem(this.table, {
        pk: { S: partition(owner) },
        sk: { S: `${id}#${part}` },
        part: { B: packed.subarray(part * PART_BYTES, (part + 1) * PART_BYTES) },
        expires_at: { N: String(Math.ceil((now + KEPT_MS) / 1_000)) },
      });
    }
  }

  /** Newest first, those of the last 24 hours. @param before id of the last that was read @param limit most of them */
  async list(owner: string, limit: number, before?: string): Promise<Send[]> {
    const parts = new Map<string, Map<number, Uint8Array>>();
    const oldest = `snd_${newUlid(this.now() - KEPT_MS).slice(0, 10)}`;
    const pages = queryPages(this.table, {
      ...between(partition(owner), oldest, before ?? "snd_~"),
      ScanIndexForward: false,
      consistency: "eventual",
    });
    for await (const items of pages) {
      for (const item of items) {
        const [id, part] = item.sk!.S!.split("#") as [string, string];
        const known = parts.get(id) ?? new Map<number, Uint8Array>();
        known.set(Number(part), item.part!.B!);
        parts.set(id, known);
      }
      if (parts.size > Math.min(limit, MOST_LISTED)) break;
    }
    return [...parts.values()].slice(0, limit).flatMap((found) => {
      const whole = [...found].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
      if (!found.has(0)) return [];
      return [JSON.parse(zstdDecompressSync(Buffer.concat(whole)).toString("utf8")) as Send];
    });
  }
}
