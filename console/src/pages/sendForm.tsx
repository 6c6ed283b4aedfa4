import { useState } from "react";
import type { PlacedDetail } from "../editor/jsonText.ts";
import {
  blankOf,
  type FormField,
  faultIn,
  faultOf,
  faultsAt,
  formOf,
  jsonOf,
  type Kind,
  kinds,
  MOST_FIELDS,
  shownOf,
  withoutValue,
  withValue,
} from "../eventForm.ts";
import { count } from "../format.ts";
import { Button, Empty, Field, TextField } from "../ui/basic.tsx";
import { Choice } from "../ui/filters.tsx";

interface Editing {
  readonly text: string;
  readonly change: (text: string) => void;
  readonly faults: ReadonlyMap<string, string>;
  /** Event types that are known. */
  readonly types: readonly string[];
}

const nameOf = ({ path }: FormField): string => String(path.at(-1) ?? "");
const isSame = (a: string, b: string): boolean => JSON.stringify(JSON.parse(a)) === JSON.stringify(JSON.parse(b));

/** One of a few values, or none. */
function OneOf({ field, editing }: { field: FormField; editing: Editing }) {
  const { text, change, faults } = editing;
  const { kind, label, hint, written, choices, path, required } = field;
  const known: readonly (readonly [string, string])[] =
    kind === "choice"
      ? choices.map((json) => [json, shownOf({ written: json })] as const)
      : [
          ["true", "yes"],
          ["false", "no"],
        ];
  const now = written === undefined ? undefined : (known.find(([json]) => isSame(json, written))?.[0] ?? written);
  const all = now === undefined || known.some(([json]) => json === now) ? known : [...known, [now, now] as const];
  const error = faultIn(faults, field);
  return (
    <Field label={labelOf(label, required)} hint={hint === "" ? undefined : hint} error={error}>
      {(ids) => (
        <select
          {...ids}
          className="field"
          value={now ?? ""}
          onChange={(event) =>
            change(event.target.value === "" ? withoutValue(text, path) : withValue(text, path, event.target.value))
          }
        >
          {required && now !== undefined ? null : <option value="">left out</option>}
          {all.map(([json, name]) => (
            <option key={json} value={json}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

const labelOf = (label: string, required: boolean): string => (required ? `${label} (needed)` : label);

/** A value of any kind as JSON: it counts once it is whole. */
function Json({ field, editing }: { field: FormField; editing: Editing }) {
  const { text, change, faults } = editing;
  const [draft, setDraft] = useState<string>();
  const { written = "", label, hint, required, path } = field;
  const fault = draft === undefined ? undefined : faultOf(draft);
  return (
    <Field
      label={labelOf(label, required)}
      hint={hint === "" ? "As JSON." : `As JSON: ${hint}`}
      error={fault ?? faultIn(faults, field)}
    >
      {(ids) => (
        <textarea
          {...ids}
          rows={2}
          spellCheck={false}
          className="field mono"
          value={draft ?? written}
          onChange={(event) => {
            setDraft(event.target.value);
            if (faultOf(event.target.value) === undefined) change(withValue(text, path, event.target.value));
          }}
          onBlur={() => {
            if (fault === undefined) setDraft(undefined);
          }}
        />
      )}
    </Field>
  );
}

function Line({ field, editing }: { field: FormField; editing: Editing }) {
  const { text, change, faults, types } = editing;
  const { kind, label, hint, required, path } = field;
  const isType = nameOf(field) === "event_type" && path.length <= 2;
  const error = faultIn(faults, field);
  return (
    <Field label={labelOf(label, required)} hint={hint === "" ? undefined : hint} error={error}>
      {(ids) => (
        <>
          <input
            {...ids}
            className="field"
            inputMode={kind === "number" ? "decimal" : "text"}
            list={isType ? `${ids.id}-types` : undefined}
            value={shownOf(field)}
            onChange={(event) => change(withValue(text, path, jsonOf(kind, event.target.value)))}
          />
          {isType ? (
            <datalist id={`${ids.id}-types`}>
              {types.map((type) => (
                <option key={type} value={type} />
              ))}
            </datalist>
          ) : null}
        </>
      )}
    </Field>
  );
}

/** One more member of a group, of a name and a kind that one chooses. */
function AddMember({ field, editing }: { field: FormField; editing: Editing }) {
  const { text, change } = editing;
  const [name, setName] = useState("");
  const [kind, setKind] = useState<Kind>("text");
  const taken = field.fields.some((each) => each.written !== undefined && nameOf(each) === name);
  const of = field.path.length === 0 || typeof field.path.at(-1) === "number" ? "" : ` of ${field.label}`;
  return (
    <details>
      <summary className="min-h-6 cursor-pointer text-sm">Add a member{of}</summary>
      <div className="mt-2 flex flex-wrap items-end gap-2">
        <TextField
          label={`Name of the new member${of}`}
          error={taken ? "There is one of this name." : undefined}
          value={name}
          change={setName}
        />
        <Choice label={`Its kind${of}`} any={null} values={kinds} value={kind} choose={(to) => setKind(to as Kind)} />
        <Button
          aria-label={`Add the member${of}`}
          isDisabled={name === "" || taken}
          onPress={() => {
            change(withValue(text, [...field.path, name], blankOf[kind]));
            setName("");
          }}
        >
          Add
        </Button>
      </div>
    </details>
  );
}

/** A group of members, or the items of a list. */
function Group({ field, editing }: { field: FormField; editing: Editing }) {
  const { text, change, faults } = editing;
  const { kind, label, hint, required, path, written, fields, next } = field;
  const error = faultIn(faults, field);
  const list = kind === "list";
  if (written === undefined && !required && !list)
    return (
      <div>
        <Button onPress={() => change(withValue(text, path, "{}"))}>Add {label}</Button>
      </div>
    );
  return (
    <fieldset className="grid gap-3 rounded-md border border-line p-3">
      <legend className="px-1 text-sm font-medium">{labelOf(label, required)}</legend>
      {hint === "" ? null : <p className="text-xs text-muted">{hint}</p>}
      {error === undefined ? null : <p className="text-xs text-bad">{error}</p>}
      <Fields fields={fields} editing={editing} />
      {list ? (
        <div>
          <Button
            aria-label={`Add an item to ${label}`}
            onPress={() => change(withValue(text, [...path, written === undefined ? 0 : -1], blankOf[next]))}
          >
            Add an item
          </Button>
        </div>
      ) : (
        <AddMember field={field} editing={editing} />
      )}
    </fieldset>
  );
}

function Fields({ fields, editing }: { fields: readonly FormField[]; editing: Editing }) {
  const { text, change } = editing;
  const rows = fields.map((field) => {
    const { kind, label, path, written, required } = field;
    const body =
      kind === "group" || kind === "list" ? (
        <Group field={field} editing={editing} />
      ) : kind === "choice" || kind === "yes or no" ? (
        <OneOf field={field} editing={editing} />
      ) : kind === "JSON" ? (
        <Json field={field} editing={editing} />
      ) : (
        <Line field={field} editing={editing} />
      );
    const item = typeof path.at(-1) === "number";
    return (
      <div key={String(path.at(-1))} className="grid grid-cols-[1fr_auto] items-start gap-2">
        <div className="min-w-0">{body}</div>
        {written === undefined || (required && !item) ? (
          <span />
        ) : (
          <Button
            className="mt-6"
            look="quiet"
            aria-label={`Leave out ${label}`}
            onPress={() => change(withoutValue(text, path))}
          >
            ✕
          </Button>
        )}
      </div>
    );
  });
  return (
    <>
      {rows}
      {fields.length < MOST_FIELDS ? null : (
        <p className="text-sm text-muted">The first {count(MOST_FIELDS)} are listed; the tab JSON has all of them.</p>
      )}
    </>
  );
}

/** How many events a text holds: of a batch, so many. */
function eventsIn(text: string): number {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.length : 1;
  } catch {
    return 1;
  }
}

/** An event as fields to fill in, for who writes no JSON: those that its type's schema names, and what else is written. */
export function Form({
  text,
  change,
  schemaOf,
  types,
  faults,
}: {
  text: string;
  change: (text: string) => void;
  /** The schema of an event type, where it has one. */
  schemaOf: (type: string | undefined) => unknown;
  types: readonly string[];
  /** What the platform says of the text. */
  faults: readonly PlacedDetail[];
}) {
  const batch = text.trimStart().startsWith("[");
  const many = eventsIn(text);
  const [chosen, setChosen] = useState(0);
  const at = Math.min(chosen, Math.max(0, many - 1));
  const path = batch ? [at] : [];
  const plain = formOf(text, undefined, path);
  if (plain === undefined)
    return (
      <Empty title="The form fills in an event.">
        {faultOf(text) ?? "The text is no JSON object."} Correct it under JSON, or choose a template.
      </Empty>
    );
  const type = plain.fields[0];
  const form = formOf(text, schemaOf(type?.written === undefined ? undefined : shownOf(type)), path) ?? plain;
  const mine = batch ? faults.filter(({ index = 0 }) => index === at) : faults;
  const editing = { text, change, faults: faultsAt(form, mine), types };
  const error = faultIn(editing.faults, form);
  return (
    <div className="grid gap-3">
      {batch ? (
        <Choice
          label="Event of the batch"
          any={null}
          values={Array.from({ length: many }, (_, place) => [String(place), `${place + 1} of ${many}`] as const)}
          value={String(at)}
          choose={(place) => setChosen(Number(place))}
        />
      ) : null}
      {error === undefined ? null : <p className="text-xs text-bad">{error}</p>}
      <Fields fields={form.fields} editing={editing} />
      <AddMember field={form} editing={editing} />
    </div>
  );
}
