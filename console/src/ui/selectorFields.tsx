import { useId, useMemo, useState } from "react";
import { ApiError } from "../api.ts";
import { useDebounced } from "../debounced.ts";
import { CodeField } from "../editor/codeField.tsx";
import type { PlacedDetail } from "../editor/jsonText.ts";
import { offerPath } from "../editor/offers.ts";
import { celPath, jsonPathPath } from "../editor/selectorText.ts";
import { lineOf } from "../listText.ts";
import { type SelectorDraft, typesIn } from "../selectorForm.ts";
import { useKnownTypes, useShapes } from "../shapes.ts";
import { useCommon } from "../url.ts";
import { Field } from "./basic.tsx";

const SETTLED_MS = 600;

/** What the platform says of one part of a selector, and where in it. */
function faultsIn(error: unknown, member: string, text: string): { from: number; to: number; message: string }[] {
  if (!(error instanceof ApiError)) return [];
  return (error.details as PlacedDetail[])
    .filter(({ path }) => path === `/event_selector/${member}`)
    .map(({ message, position = 0 }) => {
      const from = Math.max(0, Math.min(position, text.length - 1));
      return { from, to: Math.min(from + 1, text.length), message };
    });
}

export function SelectorFields({
  draft,
  change,
  error,
}: {
  draft: SelectorDraft;
  change: (draft: SelectorDraft) => void;
  /** The platform's refusal of the written text. */
  error?: unknown;
}) {
  const [{ env }] = useCommon();
  const [recorded, setRecorded] = useState(false);
  const [first = "", ...more] = typesIn(draft);
  const type = more.length === 0 ? first : "";
  const settled = useDebounced(type, SETTLED_MS);
  const [shapes, shapesCome] = useShapes(settled, env, recorded);
  const moreComes = shapesCome || settled !== type;
  const askForMore = recorded ? undefined : () => setRecorded(true);
  const offerJsonPath = useMemo(() => offerPath(shapes, jsonPathPath), [shapes]);
  const offerCel = useMemo(() => offerPath(shapes, celPath), [shapes]);
  const known = useKnownTypes(env);
  const list = useId();
  const jsonpath = faultsIn(error, "jsonpath", draft.jsonpath);
  const cel = faultsIn(error, "cel", draft.cel);
  const types = faultsIn(error, "event_type", draft.type);
  const said = (faults: readonly { message: string }[]): string | undefined => faults[0]?.message;
  return (
    <div className="grid gap-3">
      <Field
        label="Event type"
        hint="A type or pattern, several separated by commas: order.*, payment.failed. One that holds a comma stands in quotes."
        error={said(types)}
      >
        {(ids) => (
          <>
            <input
              {...ids}
              className="field mono"
              spellCheck={false}
              list={list}
              value={draft.type}
              onChange={(event) => change({ ...draft, type: event.target.value })}
            />
            <datalist id={list}>
              {known.map((type) => (
                <option key={type} value={lineOf([type])} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <CodeField
        label="JSONPath"
        language="text"
        hint="Of the payload: $.lines[?@.qty > 10], or $.country == 'DE'"
        value={draft.jsonpath}
        change={(text) => change({ ...draft, jsonpath: text })}
        faults={jsonpath}
        error={said(jsonpath)}
        offer={offerJsonPath}
        askForMore={askForMore}
        moreComes={moreComes}
      />
      <CodeField
        label="CEL"
        language="text"
        lines={2}
        hint="event is the payload: event.amount > 100.0 && event.currency == 'EUR'"
        value={draft.cel}
        change={(text) => change({ ...draft, cel: text })}
        faults={cel}
        error={said(cel)}
        offer={offerCel}
        askForMore={askForMore}
        moreComes={moreComes}
      />
    </div>
  );
}
