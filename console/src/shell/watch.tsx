import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { type Channel, useAtMost, useLive } from "../live.ts";
import { useMay } from "../session.tsx";
import { useCommon } from "../url.ts";
import { Bell } from "./bell.tsx";
import { QuotaGauge } from "./gauge.tsx";

/** Between two looks beside an open socket, which does not tell that a minute has passed; and between two looks without a socket. */
const IDLE_MS = 60_000;
const POLL_MS = 20_000;
const LOOK_MS = 1_000;
/** Between two repaints. */
const REPAINT_MS = 1_000;

/** What the top bar watches on every page, over one socket: how many alerts are firing, and how much of the limit is in use. */
export function Watch() {
  const [{ env }] = useCommon();
  const may = useMay();
  const client = useQueryClient();
  const [use, setUse] = useState<{ readonly share: number; readonly at: number }>();
  const channels: Channel[] = [
    ...(may("figures") ? (["metrics"] as const) : []),
    ...(may("alerts") ? (["alerts"] as const) : []),
  ];
  const newest = useRef(use);
  const repaint = useAtMost(REPAINT_MS, () => setUse(newest.current));
  const lookAtAlerts = useAtMost(LOOK_MS, () => client.invalidateQueries({ queryKey: ["active alerts"] }));
  const live = useLive(channels, {
    env,
    enabled: channels.length > 0,
    onMessage(message) {
      if (message.channel === "alerts") lookAtAlerts();
      if (message.channel !== "metrics" || message.skipped !== undefined) return;
      const { limit_use, previous } = message as { limit_use?: number; previous?: { limit_use?: number } };
      newest.current = { share: Math.max(limit_use ?? 0, previous?.limit_use ?? 0), at: Date.now() };
      repaint();
    },
  });
  if (channels.length === 0) return null;
  const every = live === "live" ? IDLE_MS : POLL_MS;
  return (
    <>
      {live === "polling" ? (
        <span role="status" className="text-xs text-muted">
          Quota and alerts: looked up every {POLL_MS / 1_000} s
        </span>
      ) : null}
      {may("figures") ? <QuotaGauge every={every} told={use} /> : null}
      {may("alerts") ? <Bell every={every} /> : null}
    </>
  );
}
