import { QueryCache } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { ApiError } from "./api.ts";

/** Whether the platform answers, by what the pages ask of it anyway: what they show is as old as its last answer. */

let answered = Date.now();
let away: number | undefined;
const listeners = new Set<() => void>();

function stand(next: number | undefined): void {
  if (next === away) return;
  away = next;
  for (const tell of listeners) tell();
}

/** Every answer and every failure to get one passes here. */
export const watchedCache = new QueryCache({
  onSuccess() {
    answered = Date.now();
    stand(undefined);
  },
  onError(error) {
    if (error instanceof ApiError && error.status === 0) stand(away ?? answered);
  },
});

/** When the platform answered last, ms, while it can't be reached; undefined while it can. */
export const useAway = (): number | undefined =>
  useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => away,
  );
