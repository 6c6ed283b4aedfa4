/** The search: Pagefind's index of the pages, read from the same host, shown without a word of markup. */
import { weightOf } from "../ranking.ts";

interface Found {
  readonly url: string;
  readonly meta: { readonly title?: string };
  /** With `<mark>` around what was looked for, everything else escaped. */
  readonly excerpt: string;
  readonly sub_results: readonly { readonly title: string; readonly url: string; readonly excerpt: string }[];
}

interface Match {
  readonly score: number;
  data(): Promise<Found>;
}

interface Pagefind {
  options(options: { readonly baseUrl: string; readonly noWorker: boolean }): Promise<void>;
  debouncedSearch(text: string): Promise<{ readonly results: readonly Match[] } | null>;
}

const SHOWN = 8;
/** Of so many, the best by Pagefind, those that are shown are chosen. */
const READ = 24;
const PARTS = 3;

let loading: Promise<Pagefind> | undefined;
async function load(): Promise<Pagefind> {
  const address = "/docs/pagefind/pagefind.js";
  const pagefind = (await import(/* @vite-ignore */ address)) as Pagefind;
  // A worker is made of an address, which the pages' policy takes for a script of unknown making.
  await pagefind.options({ baseUrl: "/docs/", noWorker: true });
  return pagefind;
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'" };
const plain = (text: string): string =>
  text.replaceAll(/&(amp|lt|gt|quot|#39|#x27);/g, (_, name: string) => entities[name]!);

/** An excerpt as text, with what was looked for marked. */
function marked(excerpt: string): (string | HTMLElement)[] {
  return excerpt.split(/(<mark>.*?<\/mark>)/).map((part) => {
    const inside = /^<mark>(.*)<\/mark>$/.exec(part)?.[1];
    if (inside === undefined) return plain(part);
    const mark = document.createElement("mark");
    mark.textContent = plain(inside);
    return mark;
  });
}

function entryOf(title: string, url: string, excerpt: string): HTMLElement {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = url;
  link.textContent = title;
  const text = document.createElement("p");
  text.append(...marked(excerpt));
  item.append(link, text);
  return item;
}

/** The best pages, with what their place counts. */
async function best(matches: readonly Match[]): Promise<Found[]> {
  const read = matches.slice(0, READ).map(async (match) => ({ found: await match.data(), score: match.score }));
  const weighed = (await Promise.all(read)).map(({ found, score }) => ({ found, score: score * weightOf(found.url) }));
  return weighed
    .sort((a, b) => b.score - a.score)
    .slice(0, SHOWN)
    .map(({ found }) => found);
}

/** A page with its best parts below it; parts that repeat the page itself are left out. */
function itemOf({ url, meta, excerpt, sub_results }: Found): HTMLElement {
  const item = entryOf(meta.title ?? url, url, excerpt);
  const parts = sub_results.filter(({ title }) => title !== meta.title).slice(0, PARTS);
  if (parts.length > 0) {
    const list = document.createElement("ul");
    list.append(...parts.map((part) => entryOf(part.title, part.url, part.excerpt)));
    item.append(list);
  }
  return item;
}

class SiteSearch extends HTMLElement {
  connectedCallback(): void {
    const open = this.querySelector<HTMLButtonElement>("button[data-open]")!;
    const dialog = this.querySelector("dialog")!;
    const input = this.querySelector("input")!;
    const list = this.querySelector("ol")!;
    const status = this.querySelector<HTMLElement>("[role=status]")!;
    const show = () => {
      dialog.showModal();
      input.select();
      loading ??= load();
    };
    open.addEventListener("click", show);
    open.disabled = false;
    window.addEventListener("keydown", (event) => {
      if (!(event.metaKey || event.ctrlKey) || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      if (dialog.open) dialog.close();
      else show();
    });
    dialog.addEventListener("click", ({ target }) => {
      if (target === dialog || (target as Element).closest("a") !== null) dialog.close();
    });
    this.querySelector("form")!.addEventListener("keydown", (event) => {
      // Enter goes to the first result, where there is one, instead of closing.
      if (event.key !== "Enter" || event.target !== input) return;
      event.preventDefault();
      list.querySelector("a")?.click();
    });
    input.addEventListener("input", () => void this.search(input.value, list, status));
    // The page that is answered where there is none sends people here with what they look for.
    const asked = new URLSearchParams(location.search).get("q");
    if (asked === null) return;
    input.value = asked;
    show();
    void this.search(asked, list, status);
  }

  private async search(text: string, list: HTMLElement, status: HTMLElement): Promise<void> {
    if (text.trim() === "") {
      list.replaceChildren();
      status.textContent = "";
      return;
    }
    try {
      loading ??= load();
      const answer = await (await loading).debouncedSearch(text);
      // Another letter was typed meanwhile.
      if (answer === null) return;
      const found = await best(answer.results);
      list.replaceChildren(...found.map(itemOf));
      const pages = answer.results.length;
      status.textContent =
        pages === 0 ? `Nothing was found for "${text}".` : `${pages} ${pages === 1 ? "page" : "pages"}`;
    } catch {
      status.textContent = "The search could not be loaded. Reload the page to try again.";
    }
  }
}
customElements.define("site-search", SiteSearch);
