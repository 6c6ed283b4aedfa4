import type { Selector } from "../types.ts";
import { Field } from "./basic.tsx";

/** A selector as three texts, of which all that are given must hold. */
export interface SelectorDraft {
  readonly type: string;
  readonly jsonpath: string;
  readonly cel: string;
}

export function selectorOf({ type, jsonpath, cel }: SelectorDraft): Selector {
  const types = type
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
  return {
    ...(types.length === 0 ? {} : { event_type: types.length === 1 ? types[0]! : types }),
    ...(jsonpath.trim() === "" ? {} : { jsonpath: jsonpath.trim() }),
    ...(cel.trim() === "" ? {} : { cel: cel.trim() }),
  };
}

export function draftOf(selector: Selector): SelectorDraft {
  if (typeof selector === "string")
    return selector.startsWith("$")
      ? { type: "", jsonpath: selector, cel: "" }
      : { type: selector, jsonpath: "", cel: "" };
  const { event_type = [], jsonpath = "", cel = "" } = selector;
  return { type: [event_type].flat().join(", "), jsonpath, cel };
}

export function SelectorFields({
  draft,
  change,
  error,
}: {
  draft: SelectorDraft;
  change: (draft: SelectorDraft) => void;
  error?: string | undefined;
}) {
  return (
    <div className="grid gap-3">
      <Field label="Event type" hint="A type or pattern, several separated by commas: order.*, payment.failed">
        {(ids) => (
          <input
            {...ids}
            className="field mono"
            spellCheck={false}
            value={draft.type}
            onChange={(event) => change({ ...draft, type: event.target.value })}
          />
        )}
      </Field>
      <Field label="JSONPath" hint="Of the payload: $.lines[?@.qty > 10], or $.country == 'DE'">
        {(ids) => (
          <input
            {...ids}
            className="field mono"
            spellCheck={false}
            value={draft.jsonpath}
            onChange={(event) => change({ ...draft, jsonpath: event.target.value })}
          />
        )}
      </Field>
      <Field label="CEL" hint="event is the payload: event.amount > 100.0 && event.currency == 'EUR'" error={error}>
        {(ids) => (
          <textarea
            {...ids}
            rows={2}
            className="field mono"
            spellCheck={false}
            value={draft.cel}
            onChange={(event) => change({ ...draft, cel: event.target.value })}
          />
        )}
      </Field>
    </div>
  );
}
