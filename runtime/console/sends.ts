import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Dynamodb } from "../aws/clients.ts";
import { between, putItem, queryPages, type Table } from "../aws/tables.ts";
import { jsonSize, PAGE_BYTES } from "../domain/answer.ts";
import { newUlid } from "../domain/ids.ts";
import type { Send } from "../domain/people/send.ts";
import { DAY_MS, type Millis, rfc3339 } from "../domain/time.ts";
import { readable } from "../store/readable.ts";

/** What a person sent from the composer, kept for 24 hours: request and answer whole, secrets cut. */

const KEPT_MS = DAY_MS;
/** An item of DynamoDB holds 400 KB; a body that compresses badly takes several. */
const PART_BYTES = 350_000;
/** Of a body's text in an answer: JSON always fits, where a quote or a line end takes two bytes. */
const BODY_BYTES = 2_000_100;

/** A message with as much of its body as an answer can hold. */
function shown<T extends { readonly body: string }>(message: T): T & { readonly body_cut?: true } {
  if (jsonSize(message.body) <= BODY_BYTES) return message;
  // A character takes six bytes at most.
  const body = message.body.slice(0, Math.floor(BODY_BYTES / 6)).replace(/[\uD800-\uDBFF]$/, "");
  return { ...message, body, body_cut: true };
}

/** @param owner person and tenant */
const partition = (owner: string): string => `sends#${owner}`;

export class Sends {
  private readonly table: Table;
  private readonly now: () => Millis;

  constructor(dynamodb: Dynamodb, table: string, now: () => Millis) {
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

  /**
   * Newest first, those of the last 24 hours.
   * @param before id of the last that was read @param limit most of them
   * @returns as many as fit into an answer, and whether there are more
   */
  async list(owner: string, limit: number, before?: string): Promise<{ sends: Send[]; more: boolean }> {
    const sends: Send[] = [];
    const oldest = `snd_${newUlid(this.now() - KEPT_MS).slice(0, 10)}`;
    if (before !== undefined && before < oldest) return { sends, more: false };
    const pages = queryPages(this.table, {
      ...between(partition(owner), oldest, before ?? "snd_~"),
      ScanIndexForward: false,
      consistency: "eventual",
    });
    let size = 0;
    let id = "";
    let parts: Uint8Array[] = [];
    for await (const items of pages) {
      for (const item of items) {
        const [own, part] = item.sk!.S!.split("#") as [string, string];
        // Parts whose first one was never written are none's.
        parts = own === id ? [item.part!.B!, ...parts] : [item.part!.B!];
        id = own;
        if (part !== "0") continue;
        const [whole] = readable([item], () => JSON.parse(zstdDecompressSync(Buffer.concat(parts)).toString()) as Send);
        if (whole === undefined) continue;
        const send = { ...whole, request: shown(whole.request), response: shown(whole.response) };
        size += jsonSize(send) + 1;
        if (sends.length === limit || (sends.length > 0 && size > PAGE_BYTES)) return { sends, more: true };
        sends.push(send);
      }
    }
    return { sends, more: false };
  }
}
