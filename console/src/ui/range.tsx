import { useId } from "react";
import { presets, useCommon } from "../url.ts";
import { Button } from "./basic.tsx";

const zones = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** `datetime-local` in the reader's own time, from and to an instant. */
const localOf = (instant: string | undefined): string => {
  if (instant === undefined) return "";
  const at = new Date(instant);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
const instantOf = (local: string): string | undefined => (local === "" ? undefined : new Date(local).toISOString());

/** Which time is shown, and in which zone: kept in the URL. */
export function Range() {
  const [state, set] = useCommon();
  const id = useId();
  return (
    <div className="flex flex-wrap items-center gap-2 text-sm">
      <div role="group" aria-label="Range" className="flex">
        {[...presets, ["custom", "Custom"] as const].map(([value, name]) => (
          <Button
            key={value}
            aria-pressed={state.range === value}
            className={`-ml-px rounded-none first:rounded-l-md last:rounded-r-md ${state.range === value ? "bg-accent-soft font-semibold" : ""}`}
            onPress={() =>
              set(
                value === "custom"
                  ? { range: value, from: state.from ?? new Date(Date.now() - 86_400_000).toISOString() }
                  : { range: value, from: undefined, to: undefined },
              )
            }
          >
            {name}
          </Button>
        ))}
      </div>
      {state.range === "custom" ? (
        <>
          <label htmlFor={`${id}-from`}>From</label>
          <input
            id={`${id}-from`}
            type="datetime-local"
            className="field w-auto"
            value={localOf(state.from)}
            onChange={(event) => set({ from: instantOf(event.target.value) })}
          />
          <label htmlFor={`${id}-to`}>To</label>
          <input
            id={`${id}-to`}
            type="datetime-local"
            className="field w-auto"
            value={localOf(state.to)}
            onChange={(event) => set({ to: instantOf(event.target.value) })}
          />
        </>
      ) : null}
      <label htmlFor={`${id}-zone`}>Zone</label>
      <select
        id={`${id}-zone`}
        className="field w-auto max-w-48"
        value={state.zone ?? own}
        onChange={(event) => set({ zone: event.target.value })}
      >
        {zones.includes(own) ? null : <option>{own}</option>}
        {zones.map((zone) => (
          <option key={zone}>{zone}</option>
        ))}
      </select>
    </div>
  );
}
