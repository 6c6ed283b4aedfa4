import { TriggersError } from "../domain/errors/errors.ts";

/** Milliseconds that the answer needs on its way. */
const MARGIN_MS = 500;

/** Of Lambda's context, what tells when it ends the run. */
export interface RunTime {
  getRemainingTimeInMillis(): number;
}

/** What a caller gets whose answer was not there in time; a 504 would be replaced by CloudFront's own. */
const tooLate = (): TriggersError =>
  new TriggersError(
    "unavailable",
    "The answer took too long. Whether something was done is not known: look first, or repeat with the same `Idempotency-Key`.",
    { headers: { "retry-after": "1" } },
  );

/**
 * The answer, or one in our own format just before Lambda ends the run and answers in its own. Calls in progress go on: each
 * ends, or fails, when the environment runs next.
 * @param late makes an answer of the error
 */
export async function withinTime<Answer>(
  context: RunTime,
  work: Promise<Answer>,
  late: (error: TriggersError) => Answer,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve(late(tooLate())), Math.max(0, context.getRemainingTimeInMillis() - MARGIN_MS));
  });
  // When it fails after its time, the caller already has an answer.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
  }
}
