import type { ReactNode } from "react";
import { anyText, useCommon, useUrl } from "../url.ts";
import { Empty, Field } from "./basic.tsx";
import { endingOf, useNamed } from "./subscriptionLink.tsx";

/** What narrows a list: one bar for every list, each choice of it in the URL. */

/** The fields of a list, in as many columns as fit. */
export function FilterBar({ children }: { children: ReactNode }) {
  return (
    <div role="group" aria-label="Filters" className="grid grid-cols-2 items-start gap-3 lg:grid-cols-4">
      {children}
    </div>
  );
}

/** Nothing is listed, since a filter leaves all of it out: there may well be something. @param ranged whether the list is about a range */
export function NoneFits({ what, ranged = true }: { what: string; ranged?: boolean }) {
  const [{ env }] = useCommon();
  return (
    <Empty title={`No ${env} ${what}${ranged ? " of this range" : ""} fits these filters.`}>
      Take a filter away{ranged ? ", or choose a longer range" : ""}.
    </Empty>
  );
}

/** A choice among some values, each a text or a text with the name that it is shown by; the first one, `any`, chooses none. */
export function Choice({
  label,
  values,
  value,
  choose,
  any = "Any",
  hint,
}: {
  label: string;
  values: readonly (string | readonly [value: string, name: string])[];
  value: string | undefined;
  choose: (value: string | undefined) => void;
  /** Name of no choice; null where one of the values has to be chosen. */
  any?: string | null;
  hint?: string;
}) {
  const named = values.map((each) => (typeof each === "string" ? ([each, each.replaceAll("_", " ")] as const) : each));
  // A link or a program may have chosen what no option offers: shown as another one, it would say what is not so.
  const known = value === undefined || value === "" || named.some(([of]) => of === value);
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <select
          {...ids}
          className="field"
          value={value ?? ""}
          onChange={(event) => choose(event.target.value === "" ? undefined : event.target.value)}
        >
          {any === null ? null : <option value="">{any}</option>}
          {(known ? named : [...named, [value, value] as const]).map(([of, name]) => (
            <option key={of} value={of}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** A text to look for: it counts when one presses Enter or leaves the field. */
export function Sought({
  label,
  value,
  seek,
  placeholder,
  mono = false,
  hint,
}: {
  label: string;
  value: string | undefined;
  seek: (text: string | undefined) => void;
  placeholder?: string;
  mono?: boolean;
  hint?: string;
}) {
  const take = (text: string) => {
    if (text !== (value ?? "")) seek(text === "" ? undefined : text);
  };
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <input
          {...ids}
          // Cleared from outside, it begins anew.
          key={value}
          className={`field ${mono ? "mono" : ""}`}
          defaultValue={value}
          placeholder={placeholder}
          spellCheck={!mono}
          onBlur={(event) => take(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && !event.nativeEvent.isComposing) take(event.currentTarget.value);
          }}
        />
      )}
    </Field>
  );
}

const own = { subscription: anyText };

/** Lists what concerns one subscription alone; what was open of another one is closed. By its id where not every name is known. */
export function WorkflowChoice() {
  const [{ subscription }, set] = useUrl(own);
  const { data, isEnabled, isError } = useNamed();
  const choose = (wanted: string | undefined) => set({ subscription: wanted, open: undefined }, false);
  return !isEnabled || isError || data?.all === false ? (
    <Sought label="Subscription" mono placeholder="sub_…" value={subscription} seek={choose} />
  ) : (
    <Choice
      label="Workflow"
      values={[...(data?.names ?? [])]
        .map(([id, name]) => [id, name === null ? id : `${name} ${endingOf(id)}`] as const)
        .toSorted(([, a], [, b]) => a.localeCompare(b))}
      value={subscription}
      choose={choose}
    />
  );
}
