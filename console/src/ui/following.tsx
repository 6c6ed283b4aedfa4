import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import type { Dashboard } from "../dashboard.ts";
import type { LiveFigures } from "../joined.ts";
import { type LiveState, liveWords, useAtMost, useLive } from "../live.ts";
import { Button } from "./basic.tsx";

/** Figures that follow what happens. */

/** Between two repaints. */
const REPAINT_MS = 1_000;
/** Between two looks at what a message does not tell: while something happens, while nothing does, and where there is no socket. */
const LOOK_MS = 5_000;
const IDLE_MS = 60_000;
const POLL_MS = 5_000;

/** What is looked at again when something has happened: figures, and the lists beside them. */
const following: ReadonlySet<unknown> = new Set(["metrics", "failed events", "recent deliveries"]);

export interface Following {
  /** The board whose tiles follow. */
  readonly board: Dashboard;
  /** How it stands; undefined for a range that has ended, so that its figures no longer change. */
  readonly state: LiveState | "stopped" | undefined;
  readonly stop: (stopped: boolean) => void;
}

/**
 * The board, with its newest figures put into what is shown: those of the last two minutes as they come, everything else soon after. A hidden page
 * listens to nothing; without a socket it looks every few seconds.
 */
export function useFollowing(board: Dashboard): Following {
  const client = useQueryClient();
  const [stopped, stop] = useState(false);
  const [figures, setFigures] = useState<LiveFigures>();
  const newest = useRef<LiveFigures>(undefined);
  const repaint = useAtMost(REPAINT_MS, () => setFigures(newest.current));
  const look = useAtMost(LOOK_MS, () =>
    client.refetchQueries(
      { type: "active", stale: true, predicate: ({ queryKey: [what] }) => following.has(what) },
      { cancelRefetch: false },
    ),
  );
  const ended = board.times.to !== undefined;
  const live = useLive("metrics", {
    env: board.env,
    filter: board.filter,
    enabled: !ended && !stopped,
    onMessage(message) {
      if (message.skipped !== undefined) return;
      newest.current = message as unknown as LiveFigures;
      repaint();
      look();
    },
  });
  const state = ended ? undefined : stopped ? "stopped" : live;
  const least =
    state === "polling" ? POLL_MS : state === "live" || state === "connecting" ? IDLE_MS : Number.POSITIVE_INFINITY;
  const every = Math.min(board.every === false ? Number.POSITIVE_INFINITY : board.every, least);
  const shown: Dashboard = {
    ...board,
    every: Number.isFinite(every) ? every : false,
    ...(state === "live" && figures !== undefined ? { figures } : {}),
  };
  return { board: shown, state, stop };
}

/** Says how a view gets what is new, and lets it stand still. @param whenStopped what standing still means here */
export function Pausing({
  state,
  stop,
  whenStopped,
}: {
  state: LiveState | "stopped";
  stop: (stopped: boolean) => void;
  whenStopped: string;
}) {
  const stopped = state === "stopped";
  return (
    <>
      <span role="status" className="self-center text-sm text-muted">
        {stopped ? `Paused: ${whenStopped}` : liveWords[state]}
      </span>
      <Button aria-pressed={stopped} onPress={() => stop(!stopped)}>
        {stopped ? "Resume" : "Pause"}
      </Button>
    </>
  );
}

/** The same for figures. */
export function FollowingNote({ following: { state, stop } }: { following: Following }) {
  return state === undefined ? null : <Pausing state={state} stop={stop} whenStopped="figures stand still" />;
}
