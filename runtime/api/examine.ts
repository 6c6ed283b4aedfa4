import { setImmediate as immediate } from "node:timers/promises";
import type { Context } from "hono";
import { defined } from "../domain/defined.ts";
import { type Ulid, ulidAt } from "../domain/ids.ts";
import type { Millis } from "../domain/time.ts";
import { budget } from "../store/batches/bounds.ts";
import { type ScannedBatch, scanEvents } from "../store/batches/scanEvents.ts";
import { readCursor, signCursor } from "./cursor.ts";
import type { ApiEnv, Deps } from "./deps.ts";
import { readContext } from "./reads.ts";

/** Recorded events of the caller, for calls that try something on them before it is saved. */

export interface Recorded {
  readonly batch: ScannedBatch["batch"];
  /** Its place in the batch. */
  readonly offset: number;
  readonly ulid: Ulid;
  /** Its payload as it was sent. */
  readonly raw: Buffer;
}

export interface Examination {
  /** What is tried: a cursor of another trial is refused. */
  readonly trial: string;
  readonly cursor?: string | undefined;
  /** Events of a page at most. */
  readonly limit: number;
  /** Milliseconds after which the page ends. @default it ends by the budget of a page alone */
  readonly until?: Millis;
  readonly from?: Millis | undefined;
  readonly to?: Millis | undefined;
  /** Event types. @default all */
  readonly types?: readonly string[];
}

interface Position {
  /** ULID of the last event that was reached. */
  readonly a?: Ulid | undefined;
  /** When the first page began: later events are left out. */
  readonly b: Millis;
}

/**
 * Shows `look` recorded events one after the other, the newest first.
 * @returns how many it showed, and the cursor of the next page
 * @throws TriggersError `invalid_request` for a foreign cursor
 */
export async function examine(
  deps: Deps,
  c: Context<ApiEnv>,
  {
    trial,
    cursor,
    limit,
    until = Number.POSITIVE_INFINITY,
    from = 0,
    to = Number.POSITIVE_INFINITY,
    types,
  }: Examination,
  look: (event: Recorded) => Promise<void> | void,
): Promise<{ examined: number; next_cursor: string | null }> {
  const { now } = deps;
  const context = readContext(deps);
  const tenant = c.get("tenant");
  const purpose = `${tenant}:${trial}`;
  const before = cursor === undefined ? undefined : await readCursor<Position>(deps, purpose, cursor);
  const began = before?.b ?? now();
  const kept = now() - (await context.retentionMs(c.get("identity")));
  let after = before?.a;
  const range = {
    order: "desc" as const,
    from: Math.max(from, kept),
    to: Math.min(to, began + 1),
    ...defined({ after, types }),
  };
  const position = async () => signCursor(deps, purpose, { a: after, b: began } satisfies Position);
  let examined = 0;
  for await (const step of scanEvents(context.store, tenant, range, now(), budget(now))) {
    if (step.kind === "paused") {
      after = step.reached ?? after;
      return { examined, next_cursor: await position() };
    }
    for (const { batch, raws, offsets } of step.batches) {
      for (const offset of offsets) {
        if (examined === limit || now() >= until) return { examined, next_cursor: await position() };
        after = ulidAt(batch.first, offset);
        examined += 1;
        await look({ batch, offset, ulid: after, raw: raws[offset]! });
        // Looking may take as long as a selector or a schema may: others have their turn after each.
        await immediate();
      }
    }
  }
  return { examined, next_cursor: null };
}
