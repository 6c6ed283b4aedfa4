/** Pages as a browser reads them, without a browser. */
import { type DefaultTreeAdapterTypes, parse } from "parse5";

type Node = DefaultTreeAdapterTypes.Node;
export type HtmlElement = DefaultTreeAdapterTypes.Element;

function* elementsIn(node: Node): Generator<HtmlElement> {
  if ("tagName" in node) yield node;
  if ("content" in node) yield* elementsIn(node.content);
  if ("childNodes" in node) for (const child of node.childNodes) yield* elementsIn(child);
}

export const elementsOf = (html: string): HtmlElement[] => [...elementsIn(parse(html))];

export const attribute = (element: HtmlElement, name: string): string | undefined =>
  element.attrs.find((each) => each.name === name)?.value;

export function textIn(node: Node): string {
  if ("value" in node) return node.value;
  return "childNodes" in node ? node.childNodes.map(textIn).join("") : "";
}

/** A piece of code of a page: what its copy button copies, and under which title it stands. */
export interface CodeBlock {
  readonly title: string;
  readonly text: string;
  /** Which tabs it stands in, counted from 1 over the page; undefined for code by itself. */
  readonly tabs: number | undefined;
}

export function codeBlocksOf(html: string): CodeBlock[] {
  const tabs = new Map<Node, number>();
  return elementsOf(html).flatMap((element) => {
    if (element.tagName === "code-tabs") tabs.set(element, tabs.size + 1);
    if (element.tagName !== "figure") return [];
    const inside = [...elementsIn(element)];
    const button = inside.find((each) => attribute(each, "data-code") !== undefined);
    const title = inside.find((each) => attribute(each, "class")?.split(" ").includes("title"));
    if (button === undefined) return [];
    const figure = element.parentNode;
    const within = figure !== null && "parentNode" in figure ? figure.parentNode : undefined;
    return [
      {
        title: title === undefined ? "" : textIn(title),
        // Expressive Code keeps line ends as a character that no code has.
        text: attribute(button, "data-code")!.replaceAll("\u007f", "\n"),
        tabs: within === null || within === undefined ? undefined : tabs.get(within),
      },
    ];
  });
}
