import { type Dimension, errorClasses } from "../../../runtime/domain/metrics/names.ts";
import { deliveryStatuses } from "../../../runtime/domain/statuses.ts";
import { dimensionNames } from "../alertForm.ts";
import { Field } from "./basic.tsx";
import { Choice } from "./filters.tsx";

/** What counts of a measure: one field for each dimension that can tell it apart, so that none is there which does nothing. */
export function MetricFilter({
  allowed,
  filter,
  change,
}: {
  allowed: readonly Dimension[];
  filter: Readonly<Record<string, string>>;
  change: (filter: Readonly<Record<string, string>>) => void;
}) {
  if (allowed.length === 0) return null;
  return (
    <fieldset className="grid gap-3 sm:grid-cols-2">
      <legend className="mb-1 text-sm font-medium">What counts</legend>
      {allowed.map((name) => {
        const of = { label: dimensionNames[name], value: filter[name] };
        const set = (value: string | undefined) => change({ ...filter, [name]: value ?? "" });
        if (name === "error") return <Choice key={name} {...of} values={errorClasses} choose={set} />;
        if (name === "status") return <Choice key={name} {...of} values={deliveryStatuses} choose={set} />;
        return (
          <Field
            key={name}
            label={of.label}
            hint="All when empty; several by commas, one that holds a comma in quotes."
          >
            {(ids) => (
              <input
                {...ids}
                className="field mono"
                spellCheck={false}
                value={of.value ?? ""}
                onChange={(event) => set(event.target.value)}
              />
            )}
          </Field>
        );
      })}
    </fieldset>
  );
}
