import { useRef, useState } from "react";

/** What a press of a button sets off: whether it is still being done, and what went wrong the last time. */
export interface Work {
  readonly busy: boolean;
  /** Undefined when nothing went wrong. */
  readonly error: unknown;
  /** Does it, unless something is still being done; what it throws is kept for the page to show. @returns whether it succeeded */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
  /** Forgets what went wrong. */
  readonly forget: () => void;
}

/** A second press that soon is the other half of a double click, however fast the answer came. */
const DOUBLE_CLICK_MS = 500;

/**
 * Does one thing at a time. While it does, the button is pending: it keeps the focus, which a disabled one loses.
 * @example const work = useWork(); <Button isPending={work.busy} onPress={() => void work.run(save)}>Save</Button>
 */
export function useWork(): Work {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const running = useRef(false);
  return {
    busy,
    error,
    forget: () => setError(undefined),
    async run(work) {
      if (running.current) return false;
      running.current = true;
      setBusy(true);
      setError(undefined);
      const began = performance.now();
      try {
        await work();
        return true;
      } catch (cause) {
        setError(cause);
        return false;
      } finally {
        const free = () => {
          running.current = false;
          setBusy(false);
        };
        setTimeout(free, Math.max(0, began + DOUBLE_CLICK_MS - performance.now()));
      }
    },
  };
}
