import { membersBelow, type Shape } from "../shape.ts";
import { Button, Empty } from "../ui/basic.tsx";

/** Where a JSON text stops being one, in words. */
export function faultOf(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (cause) {
    return (cause as Error).message;
  }
}

interface Row {
  readonly name: string;
  readonly kind: "text" | "number" | "yes or no" | "JSON";
  readonly value: string;
}

/** The members of an object as rows to fill in; undefined for what is no object. */
function rowsOf(text: string): readonly Row[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return Object.entries(value).map(([name, member]): Row => {
      if (typeof member === "string") return { name, kind: "text", value: member };
      if (typeof member === "number") return { name, kind: "number", value: String(member) };
      if (typeof member === "boolean") return { name, kind: "yes or no", value: String(member) };
      return { name, kind: "JSON", value: JSON.stringify(member) };
    });
  } catch {
    return undefined;
  }
}

function textOf(rows: readonly Row[]): string {
  const members = rows
    .filter(({ name }) => name !== "")
    .map(({ name, kind, value }) => {
      const text =
        kind === "text" ? JSON.stringify(value) : faultOf(value) === undefined ? value : JSON.stringify(value);
      return `  ${JSON.stringify(name)}: ${text}`;
    });
  return `{\n${members.join(",\n")}\n}`;
}

/** A skeleton of a type: every member that is known of it, to be filled in. */
export function skeletonOf(type: string, shapes: readonly Shape[]): string {
  const blank: Readonly<Record<string, unknown>> = { number: 0, boolean: false, list: [], null: null };
  const build = (path: string): Record<string, unknown> =>
    Object.fromEntries(
      membersBelow(shapes, path).map(({ name, kinds: [kind = "string"] }) => [
        name,
        kind === "object" ? build(`${path}.${name}`) : Object.hasOwn(blank, kind) ? blank[kind] : "",
      ]),
    );
  return JSON.stringify({ ...build("$"), event_type: type }, null, 2);
}

/** One event as fields to fill in, for who writes no JSON. */
export function Form({ text, change }: { text: string; change: (text: string) => void }) {
  const rows = rowsOf(text);
  if (rows === undefined)
    return (
      <Empty title="The form fills in one event.">The text is no JSON object: correct it, or choose a template.</Empty>
    );
  const set = (index: number, changes: Partial<Row>) =>
    change(textOf(rows.map((row, at) => (at === index ? { ...row, ...changes } : row))));
  return (
    <div className="grid gap-2">
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row's name is what is being written
        <fieldset key={index} className="grid gap-2 sm:grid-cols-[1fr_8rem_2fr_auto]">
          <legend className="sr-only">Member {index + 1}</legend>
          <input
            aria-label="Name"
            className="field"
            value={row.name}
            onChange={(event) => set(index, { name: event.target.value })}
          />
          <select
            aria-label={`Kind of ${row.name}`}
            className="field"
            value={row.kind}
            onChange={(event) =>
              set(index, {
                kind: event.target.value as Row["kind"],
                value: event.target.value === "yes or no" ? "true" : row.value,
              })
            }
          >
            {["text", "number", "yes or no", "JSON"].map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
          {row.kind === "yes or no" ? (
            <select
              aria-label={row.name === "" ? "Value" : `Value of ${row.name}`}
              className="field"
              value={row.value}
              onChange={(event) => set(index, { value: event.target.value })}
            >
              <option value="true">yes</option>
              <option value="false">no</option>
            </select>
          ) : (
            <input
              aria-label={row.name === "" ? "Value" : `Value of ${row.name}`}
              className="field"
              value={row.value}
              onChange={(event) => set(index, { value: event.target.value })}
            />
          )}
          <Button
            aria-label={`Remove ${row.name}`}
            onPress={() => change(textOf(rows.filter((_, at) => at !== index)))}
          >
            Remove
          </Button>
        </fieldset>
      ))}
      <div>
        <Button
          onPress={() => change(textOf([...rows, { name: `member_${rows.length + 1}`, kind: "text", value: "" }]))}
        >
          Add a member
        </Button>
      </div>
    </div>
  );
}
