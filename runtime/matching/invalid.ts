import { defined } from "../domain/defined.ts";
import { TriggersError } from "../domain/errors/errors.ts";

/** JSON Pointer of the selector in the body of a request. */
export const SELECTOR = "/event_selector";

/** What is wrong with a selector or transform, and where in its text. */
export interface Problem {
  readonly message: string;
  /** Characters (UTF-16 units) before the place where the text stops making sense. */
  readonly position?: number;
  /** What could have stood there. */
  readonly expected?: string;
  /** A corrected form, where one is obvious. */
  readonly suggestion?: string;
}

/** Thrown by parsers and checkers inside `runtime/matching`; the entry points turn it into a `TriggersError`. */
export class Invalid extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.message);
    this.problem = problem;
  }
}

/**
 * Runs `work`, naming the member at fault when it fails.
 * @param path JSON Pointer to the text inside the request body
 * @throws TriggersError `invalid_selector`, its one detail holding path, message, position, expected and suggestion
 */
export function naming<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof Invalid)) throw thrown;
    const { message, position, expected, suggestion } = thrown.problem;
    const at = position === undefined ? "" : ` at position ${position}`;
    const more = suggestion === undefined ? "." : `; did you mean ${suggestion}?`;
    throw new TriggersError("invalid_selector", `The event selector is not valid${at}: ${message}${more}`, {
      details: [
        {
          path,
          message,
          ...defined({ position, expected, suggestion }),
        },
      ],
    });
  }
}
