import { Choice } from "./filters.tsx";

/** The reader's own. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const zones = [...new Set(["UTC", ownZone, ...Intl.supportedValuesOf("timeZone")])].map(
  (zone) => [zone, zone] as const,
);

/** Chooses by whose clocks something goes: UTC and the reader's own zone stand first. */
export function ZoneChoice({ zone, choose }: { zone: string; choose: (zone: string) => void }) {
  return (
    <Choice label="Time zone" any={null} values={zones} value={zone} choose={(chosen) => choose(chosen ?? zone)} />
  );
}
