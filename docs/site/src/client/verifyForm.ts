/** Verifies a post in the page, by the code that the page shows. */
import { verify } from "../../../../examples/browser/verify.js";
import { element, field } from "./field.ts";

interface Post {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the receiver shows: one post, or the list of which the last is taken. */
function postIn(text: string): Post | undefined {
  const shown = JSON.parse(text) as Post | { readonly requests: readonly Post[] };
  return "requests" in shown ? shown.requests.at(-1) : shown;
}

class VerifyForm extends HTMLElement {
  connectedCallback(): void {
    const form = document.createElement("form");
    const secret = field("input", "Signing secret", "whsec_…, from the answer that made the subscription.");
    const post = field("textarea", "What the receiver shows", "The whole page as JSON, or one request of it.");
    post.input.rows = 6;
    const button = element("button", "Verify");
    const answer = element("div");
    answer.setAttribute("role", "status");
    form.append(secret.row, post.row, button, answer);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.check(secret.input.value.trim(), post.input.value).then((said) =>
        answer.replaceChildren(element("p", said)),
      );
    });
    this.replaceChildren(form);
  }

  private async check(secret: string, text: string): Promise<string> {
    try {
      const post = postIn(text);
      if (post === undefined) return "There is no request in it yet.";
      const events = await verify(secret, post.headers, post.body);
      const first = Array.isArray(events) ? events[0] : events;
      return `The signature is right. Your code has the event ${first?.event_id ?? ""}.`;
    } catch (cause) {
      return `Not verified: ${(cause as Error).message}`;
    }
  }
}
customElements.define("verify-form", VerifyForm);
