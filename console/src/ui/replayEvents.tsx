import { useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { call } from "../api.ts";
import { keep, useCommon } from "../url.ts";
import { Confirm } from "./overlay.tsx";

/** Starts a replay and goes where its progress is shown. @returns what takes the body of `POST /replays` */
export function useReplay(): (body: object) => Promise<void> {
  const [{ env }] = useCommon();
  const [, navigate] = useLocation();
  const client = useQueryClient();
  return async (body) => {
    const { replay_id } = await call<{ replay_id: string }>("POST", "/replays", { env, body });
    await client.invalidateQueries({ queryKey: ["list", "/replays"] });
    navigate(keep("/replays", { open: replay_id }));
  };
}

/** Asks before events are replayed. @param what they are called: `this event`, `12 events` */
export function ReplayEvents({ event_ids, what }: { event_ids: readonly string[]; what: string }) {
  const replay = useReplay();
  return (
    <Confirm
      label="Replay"
      title={`Replay ${what}?`}
      text={`${event_ids.length === 1 ? "It is" : "They are"} matched again with today's subscriptions, and delivered to those that match. The page of replays shows how far this has come.`}
      action={() => replay({ event_ids })}
    />
  );
}
