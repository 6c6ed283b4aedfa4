/** Code in several languages, one of which is shown: the choice holds for all pages. Without scripts all of them are shown. */

const KEPT = "docs-language";

function remembered(): string | null {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

let made = 0;

class CodeTabs extends HTMLElement {
  private tabs: HTMLButtonElement[] = [];
  private panels: HTMLElement[] = [];

  connectedCallback(): void {
    const panels = [...this.children].filter((child): child is HTMLElement => child.matches(".expressive-code"));
    if (this.tabs.length > 0 || panels.length < 2) return;
    this.panels = panels;
    const list = document.createElement("div");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", "Language");
    made += 1;
    this.tabs = panels.map((panel, at) => {
      const label = panel.querySelector("figcaption .title")?.textContent ?? `Example ${at + 1}`;
      const tab = document.createElement("button");
      tab.type = "button";
      tab.textContent = label;
      tab.id = `tab-${made}-${at}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", `panel-${made}-${at}`);
      panel.id = `panel-${made}-${at}`;
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", () => choose(label));
      tab.addEventListener("keydown", (event) => this.move(event, at));
      return tab;
    });
    list.append(...this.tabs);
    this.prepend(list);
    this.dataset.ready = "";
    this.show(remembered());
  }

  /** Shows the code in a language, or the first one where there is none. */
  show(language: string | null): void {
    const found = this.tabs.findIndex(({ textContent }) => textContent === language);
    // A page that lacks the language goes on showing what it shows.
    const chosen =
      found < 0
        ? Math.max(
            0,
            this.tabs.findIndex(({ ariaSelected }) => ariaSelected === "true"),
          )
        : found;
    for (const [at, tab] of this.tabs.entries()) {
      tab.setAttribute("aria-selected", String(at === chosen));
      tab.tabIndex = at === chosen ? 0 : -1;
      this.panels[at]!.hidden = at !== chosen;
    }
  }

  private move(event: KeyboardEvent, at: number): void {
    const last = this.tabs.length - 1;
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: at === 0 ? last : at - 1,
      ArrowRight: at === last ? 0 : at + 1,
      Home: 0,
      End: last,
    };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.tabs[to]!.focus();
    this.tabs[to]!.click();
  }
}

function choose(language: string): void {
  try {
    localStorage.setItem(KEPT, language);
  } catch {}
  for (const tabs of document.querySelectorAll("code-tabs")) (tabs as CodeTabs).show(language);
}

customElements.define("code-tabs", CodeTabs);
