import { lazy, Suspense, useId } from "react";
import { DAY_MS } from "../../../runtime/domain/time.ts";
import { presets, useCommon, zoneOf } from "../url.ts";
import { zones } from "../zones.ts";
import { Button } from "./basic.tsx";

const CustomRange = lazy(() => import("./customRange.tsx"));

/** Which time is shown, and in which zone: kept in the URL. */
export function Range() {
  const [state, set] = useCommon();
  const id = useId();
  const zone = zoneOf(state);
  return (
    <div className="flex flex-wrap items-center gap-2 text-sm">
      <div role="group" aria-label="Range" className="flex">
        {[...presets, ["custom", "Custom"] as const].map(([value, name]) => (
          <Button
            key={value}
            aria-pressed={state.range === value}
            className={`-ml-px rounded-none first:rounded-l-md last:rounded-r-md max-sm:px-2 ${state.range === value ? "bg-accent-soft font-semibold" : ""}`}
            onPress={() =>
              set(
                value === "custom"
                  ? { range: value, from: state.from ?? new Date(Date.now() - DAY_MS).toISOString() }
                  : { range: value, from: undefined, to: undefined },
                false,
              )
            }
          >
            {name}
          </Button>
        ))}
      </div>
      {state.range === "custom" ? (
        <Suspense>
          <CustomRange />
        </Suspense>
      ) : null}
      <span className="flex items-center gap-2">
        <label htmlFor={`${id}-zone`}>Zone</label>
        <select
          id={`${id}-zone`}
          className="field w-auto max-w-48"
          value={zone}
          onChange={(event) => set({ zone: event.target.value })}
        >
          {zones.includes(zone) ? null : <option>{zone}</option>}
          {zones.map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </span>
    </div>
  );
}
