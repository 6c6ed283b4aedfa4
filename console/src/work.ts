import { useState } from "react";

/** What a press of a button sets off: whether it is still being done, and what went wrong the last time. */
export interface Work {
  readonly busy: boolean;
  /** Undefined when nothing went wrong. */
  readonly error: unknown;
  /** Does it; what it throws is kept for the page to show. @returns whether it succeeded */
  readonly run: (work: () => Promise<unknown>) => Promise<boolean>;
  /** Forgets what went wrong. */
  readonly forget: () => void;
}

/** @example const work = useWork(); <Button isDisabled={work.busy} onPress={() => void work.run(save)}>Save</Button> */
export function useWork(): Work {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  return {
    busy,
    error,
    forget: () => setError(undefined),
    async run(work) {
      setBusy(true);
      setError(undefined);
      try {
        await work();
        return true;
      } catch (cause) {
        setError(cause);
        return false;
      } finally {
        setBusy(false);
      }
    },
  };
}
