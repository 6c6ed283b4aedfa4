/** A field with its label. */
export function field<K extends "input" | "textarea">(
  kind: K,
  label: string,
  hint?: string,
): { readonly row: HTMLElement; readonly input: HTMLElementTagNameMap[K] } {
  const row = document.createElement("label");
  const name = document.createElement("span");
  name.textContent = label;
  const input = document.createElement(kind);
  input.spellcheck = false;
  input.autocomplete = "off";
  row.append(name, input);
  if (hint !== undefined) {
    const small = document.createElement("small");
    small.textContent = hint;
    row.append(small);
  }
  return { row, input };
}

/** An element with a text. */
export function element<K extends keyof HTMLElementTagNameMap>(kind: K, text = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}
