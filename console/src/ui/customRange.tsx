import { useId } from "react";
import { clockIn, timeOfClock } from "../../../runtime/domain/metrics/zones.ts";
import { useCommon, zoneOf } from "../url.ts";

/** From and to, by the clocks of the zone that the page shows: 09:00 means 09:00 there. */
export default function CustomRange() {
  const [state, set] = useCommon();
  const zone = zoneOf(state);
  const id = useId();
  const { from, to } = state;
  const problem =
    from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)
      ? "The range has to end after it begins."
      : from !== undefined && Date.parse(from) > Date.now()
        ? "The range has to begin before now."
        : undefined;
  const write = (name: "from" | "to") => (clock: string) =>
    set({ [name]: clock === "" ? undefined : new Date(timeOfClock(zone, clock)).toISOString() });
  return (
    <>
      {(["from", "to"] as const).map((name) => {
        const at = state[name];
        return (
          <span key={name} className="flex items-center gap-2">
            <label htmlFor={`${id}-${name}`}>{name === "from" ? "From" : "To"}</label>
            <input
              id={`${id}-${name}`}
              type="datetime-local"
              className="field w-auto"
              aria-describedby={problem === undefined ? undefined : `${id}-problem`}
              aria-invalid={problem !== undefined}
              // What is being written is not changed below one's hands: it is read anew when the zone is another.
              key={zone}
              defaultValue={at === undefined ? "" : clockIn(zone, Date.parse(at))}
              onChange={(event) => write(name)(event.target.value)}
            />
          </span>
        );
      })}
      {from === undefined ? <span className="text-muted">Without a beginning: the last 24 hours.</span> : null}
      {problem === undefined ? null : (
        <span id={`${id}-problem`} role="alert" className="text-bad">
          {problem}
        </span>
      )}
    </>
  );
}
