import { ownZone, zones } from "../zones.ts";
import { Choice } from "./filters.tsx";

const choices = [...new Set(["UTC", ownZone, ...zones])].map((zone) => [zone, zone] as const);

/** Chooses by whose clocks something goes: UTC and the reader's own zone stand first. */
export function ZoneChoice({ zone, choose }: { zone: string; choose: (zone: string) => void }) {
  return (
    <Choice label="Time zone" any={null} values={choices} value={zone} choose={(chosen) => choose(chosen ?? zone)} />
  );
}
