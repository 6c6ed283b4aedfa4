/** A form below a call of the reference, which makes it on this host with a sandbox key of the reader's. */
import { defined } from "../../../../runtime/domain/defined.ts";
import { element, field } from "./field.ts";

interface Described {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: "path" | "query"; readonly required: boolean }[];
  readonly body?: unknown;
  /** Answered without a key. */
  readonly open: boolean;
}

/** For this tab of the browser, until it is closed. */
const KEPT = "docs-sandbox-key";
const SANDBOX = /^trg_sandbox_/;

class TryIt extends HTMLElement {
  connectedCallback(): void {
    const call = JSON.parse(this.dataset.call ?? "{}") as Described;
    const button = element("button", "Try it");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-label", `Try it: ${call.method} ${call.path}`);
    let form: HTMLElement | undefined;
    button.addEventListener("click", () => {
      if (form === undefined) {
        form = formOf(call);
        this.append(form);
      } else form.hidden = !form.hidden;
      button.setAttribute("aria-expanded", String(!form.hidden));
      if (!form.hidden) form.querySelector<HTMLElement>("input, textarea, button")?.focus();
    });
    this.replaceChildren(button);
  }
}

function formOf(call: Described): HTMLElement {
  const form = document.createElement("form");
  const key = field(
    "input",
    "Sandbox key",
    "Begins with trg_sandbox_. It is kept in this tab only, and sent to this host only.",
  );
  key.input.type = "password";
  key.input.value = sessionStorage.getItem(KEPT) ?? "";
  const parameters = call.parameters.map((parameter) => {
    const made = field("input", `${parameter.name} (${parameter.in})`);
    made.input.required = parameter.required;
    return { ...parameter, ...made };
  });
  const body = call.body === undefined ? undefined : field("textarea", "Body");
  if (body !== undefined) {
    body.input.value = JSON.stringify(call.body, null, 2);
    body.input.rows = Math.min(16, body.input.value.split("\n").length + 1);
  }
  const send = element("button", "Send request");
  const answer = element("div");
  answer.setAttribute("role", "status");
  form.append(
    ...(call.open ? [] : [key.row]),
    ...parameters.map(({ row }) => row),
    ...(body === undefined ? [] : [body.row]),
    send,
    answer,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = key.input.value.trim();
    if (!call.open && !SANDBOX.test(text)) {
      answer.replaceChildren(
        element(
          "p",
          "A sandbox key is needed: it begins with trg_sandbox_. With a live key this page would change what is live.",
        ),
      );
      return;
    }
    sessionStorage.setItem(KEPT, text);
    let { path } = call;
    const query = new URLSearchParams();
    for (const { name, in: where, input } of parameters) {
      if (where === "path") path = path.replace(`{${name}}`, encodeURIComponent(input.value));
      else if (input.value !== "") query.append(name, input.value);
    }
    const address = query.size === 0 ? path : `${path}?${query}`;
    send.disabled = true;
    void ask(call.method, address, call.open ? undefined : text, body?.input.value)
      .then((shown) => answer.replaceChildren(...shown))
      .finally(() => {
        send.disabled = false;
      });
  });
  return form;
}

const indented = (text: string): string => {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
};

async function ask(
  method: string,
  address: string,
  key: string | undefined,
  body: string | undefined,
): Promise<Node[]> {
  const started = performance.now();
  try {
    const response = await fetch(address, {
      method,
      headers: {
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...defined({ body }),
    });
    const text = await response.text();
    const took = Math.round(performance.now() - started);
    const line = element(
      "p",
      `${response.status} ${response.statusText} in ${took} ms, request ${response.headers.get("x-request-id") ?? "without an id"}`,
    );
    const shown = element("pre", text === "" ? "(no body)" : indented(text));
    shown.tabIndex = 0;
    shown.setAttribute("aria-label", "Answer");
    shown.setAttribute("role", "region");
    return [line, shown];
  } catch (cause) {
    return [element("p", `The platform did not answer: ${(cause as Error).message}`)];
  }
}

customElements.define("try-it", TryIt);
