import { attemptNumber, FIRST_KEPT } from "../../domain/attempts.ts";
import { defined } from "../../domain/defined.ts";
import type { Attempt, DeliveryItem } from "./deliveryItem.ts";

/**
 * Which attempts an item keeps. A delivery that is tried again for days, or by hand again and again, has thousands of attempts, and all of
 * them would exceed the 400 KB that an item may have: then it could never be written again.
 */

/** So many of the latest attempts keep their answers. As escaped text an answer has 6 KB at most. */
const ANSWERED = 40;
/** So many attempts are kept at most: the first ones, and the newest. */
const MOST = 1_000;
/** Bytes of all kept attempts. The rest of the 400 KB is for offsets, and for what is known of those that are left out. */
const MOST_BYTES = 300_000;
/** Below this number of attempts nothing has to be counted. */
const FEW = 20;
/** Batches remembered of attempts that are left out. They keep no answers of older posts either. */
const MOST_BATCHES = 500;

type Attempts = Pick<DeliveryItem, "attempts" | "left_out">;

/** The number of attempts that a delivery has had, with those that are left out. */
export const attemptsMade = ({ attempts, left_out }: Attempts): number => attempts.length + (left_out?.attempts ?? 0);

/** The kept attempts, each with its number, from 1. */
export const numbered = ({ attempts, left_out }: Attempts): { readonly attempt: Attempt; readonly number: number }[] =>
  attempts.map((attempt, at) => ({
    attempt,
    number: attemptNumber(at, left_out?.attempts ?? 0),
  }));

export const withoutAnswer = ({ response_excerpt: _, ...attempt }: Attempt): Attempt => attempt;

/** Which posts were shared stays known: other deliveries may keep their answers. */
function withoutOldAnswers(attempts: readonly Attempt[]): Attempt[] {
  const kept = attempts.length - ANSWERED;
  return attempts.map((attempt, at) => {
    if (at >= kept) return attempt;
    const { unsent, ...rest } = withoutAnswer(attempt);
    return rest.answer_with === undefined ? rest : { ...rest, ...defined({ unsent }) };
  });
}

const bytesOf = (attempt: Attempt): number => Buffer.byteLength(JSON.stringify(attempt)) + 1;

/** What is kept of a delivery's attempts. */
export function keptAttempts(all: Attempts): Attempts {
  const attempts = withoutOldAnswers(all.attempts);
  const { left_out } = all;
  if (attempts.length <= FEW) return { attempts, ...defined({ left_out }) };
  const first = attempts.slice(0, FIRST_KEPT);
  let room = MOST_BYTES - first.reduce((sum, attempt) => sum + bytesOf(attempt), 0);
  let from = attempts.length;
  while (from > FIRST_KEPT && attempts.length - from < MOST - FIRST_KEPT) {
    room -= bytesOf(attempts[from - 1]!);
    if (room < 0) break;
    from -= 1;
  }
  const gone = attempts.slice(FIRST_KEPT, from);
  if (gone.length === 0) return { attempts, ...defined({ left_out }) };
  const batches = [...(left_out?.answer_with ?? []), ...gone.flatMap(({ answer_with = [] }) => answer_with)];
  return {
    attempts: [...first, ...attempts.slice(from)],
    left_out: {
      attempts: (left_out?.attempts ?? 0) + gone.length,
      answer_with: [...new Set(batches)].slice(-MOST_BATCHES),
    },
  };
}
