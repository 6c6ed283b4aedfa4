import { autocompletion, type CompletionSource, closeBrackets } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { StyleModule } from "style-mod";
import { defined } from "../../../runtime/domain/defined.ts";
import type { Offered } from "./offers.ts";

/**
 * The one editor of the console: JSON and selectors, with faults where they are and names to choose from.
 *
 * The pages' policy allows no `<style>`. style-mod, which CodeMirror writes its styles with, uses a constructable sheet in roots without a
 * head: so it is given such a root, and the document uses the same sheets.
 */
function allowStyles(): void {
  const root = { ownerDocument: document, adoptedStyleSheets: [] as CSSStyleSheet[] };
  StyleModule.mount(root as unknown as ShadowRoot, new StyleModule({}));
  for (const symbol of Object.getOwnPropertySymbols(root))
    if (!(symbol in document)) Object.assign(document, { [symbol]: Reflect.get(root, symbol) });
}
allowStyles();

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--panel)", color: "var(--text)", fontSize: "0.875em" },
  ".cm-scroller": {
    fontFamily: 'ui-monospace, "Cascadia Code", "SF Mono", Menlo, Consolas, monospace',
    lineHeight: "1.5",
    maxHeight: "28rem",
    overflow: "auto",
  },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "2px" },
  ".cm-gutters": { backgroundColor: "var(--panel)", border: "none" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
  ".cm-tooltip": {
    backgroundColor: "var(--panel)",
    color: "var(--text)",
    border: "1px solid var(--line)",
    borderRadius: "6px",
    maxWidth: "min(32rem, 90vw)",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--text)",
  },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
});
const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: tags.propertyName, color: "var(--accent)" },
    { tag: tags.string, color: "var(--good)" },
    { tag: [tags.number, tags.bool, tags.null], color: "var(--info)" },
    { tag: tags.invalid, color: "var(--bad)" },
  ]),
);

export interface Fault {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

export interface EditorProps {
  readonly value: string;
  readonly change: (text: string) => void;
  readonly language: "json" | "text";
  /** Ids of what names and describes it. */
  readonly labelledBy: string;
  readonly describedBy?: string | undefined;
  readonly faults: readonly Fault[];
  readonly offer?: ((text: string, at: number) => Offered | undefined) | undefined;
  /** Called when a person asks by a key what could stand here; undefined once it was asked. */
  readonly askForMore?: (() => void) | undefined;
  /** Suggestions were asked for and are on their way. */
  readonly moreComes?: boolean;
  /** Lines that it is high at least. */
  readonly lines?: number;
}

export default function Editor(props: EditorProps) {
  const { value, language, labelledBy, describedBy, faults, lines = 1 } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const attributes = useRef(new Compartment());
  /** Told when the suggestions are there: the list opens once and whole, since a list that is made anew loses the click that meets it. */
  const waiting = useRef<() => void>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const described = EditorView.contentAttributes.of({
    "aria-labelledby": labelledBy,
    "aria-invalid": String(faults.length > 0),
    spellcheck: "false",
    tabindex: "0",
    ...(describedBy === undefined ? {} : { "aria-describedby": describedBy }),
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: it is made once; what changes is told to it below
  useEffect(() => {
    const offering: CompletionSource = async ({ state, pos, explicit }) => {
      const { askForMore } = latest.current;
      if (explicit && askForMore !== undefined)
        await new Promise<void>((told) => {
          waiting.current = told;
          askForMore();
        });
      const offered = latest.current.offer?.(state.doc.toString(), pos);
      if (offered === undefined || offered.options.length === 0) return null;
      return { from: offered.from, ...defined({ to: offered.to }), options: offered.options };
    };
    const made = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ override: [offering], icons: false }),
          // Tab leaves the editor, as it leaves every field: nobody is caught in it.
          keymap.of([...defaultKeymap, ...historyKeymap]),
          ...(language === "json" ? [json(), lintGutter()] : []),
          EditorView.lineWrapping,
          EditorView.theme({ ".cm-content": { minHeight: `${lines * 1.5}em` } }),
          attributes.current.of(described),
          theme,
          colours,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.change(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, []);

  useEffect(() => {
    const editor = view.current!;
    if (editor.state.doc.toString() !== value)
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    if (props.askForMore !== undefined || props.moreComes === true) return;
    waiting.current?.();
    waiting.current = undefined;
  });

  const told = JSON.stringify(faults);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what they say, not which list says it
  useEffect(() => {
    const editor = view.current!;
    const end = editor.state.doc.length;
    const diagnostics = faults.map(
      ({ from, to, message }): Diagnostic => ({
        from: Math.min(from, end),
        to: Math.min(Math.max(from, to), end),
        message,
        severity: "error",
      }),
    );
    editor.dispatch(setDiagnostics(editor.state, diagnostics));
    editor.dispatch({ effects: attributes.current.reconfigure(described) });
  }, [told, labelledBy, describedBy]);

  return <div ref={host} className="overflow-hidden rounded-md border border-edge" />;
}
