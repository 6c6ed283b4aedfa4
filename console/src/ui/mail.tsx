import { useEffect, useRef } from "react";
import { callText, type Environment } from "../api.ts";

/**
 * A mail's page, read by the browser itself. Its text never becomes markup by our hand: the policy of the pages forbids that.
 * @throws ApiError
 */
export async function mailPage(path: string, env: Environment, body: unknown): Promise<Document> {
  const page = await new Promise<Document | null>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/console/api${path}`);
    request.responseType = "document";
    for (const [name, value] of [
      ["accept", "text/html"],
      ["content-type", "application/json"],
      ["x-triggers-console", "1"],
      ["x-triggers-environment", env],
    ] as const)
      request.setRequestHeader(name, value);
    request.onload = () => resolve(request.status < 300 ? request.responseXML : null);
    request.onerror = () => reject(new Error("The platform can't be reached. Is it running?"));
    request.send(JSON.stringify(body));
  });
  if (page !== null) return page;
  // A refusal says why in JSON.
  await callText("POST", `/api${path}`, { env, body });
  throw new Error("The preview could not be read; try again.");
}

/** Shows a mail's page as a mail program does: in a room of its own, where the console's styles don't reach. */
export function Mail({ page }: { page: Document }) {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: "open" });
    const body = document.importNode(page.body, true);
    const shown = document.createElement("div");
    shown.append(...body.childNodes);
    // Styles in markup are forbidden; the same ones, set one by one, are not.
    for (const [element, css] of [
      [shown, page.body.getAttribute("style")] as const,
      ...[...shown.querySelectorAll<HTMLElement>("[style]")].map((each) => [each, each.getAttribute("style")] as const),
    ]) {
      element.removeAttribute("style");
      element.style.cssText = css ?? "";
    }
    // It stands below the page's own heading.
    for (const heading of shown.querySelectorAll("h1, h2"))
      heading.setAttribute("aria-level", heading.tagName === "H1" ? "3" : "4");
    root.replaceChildren(shown);
  }, [page]);
  return <div ref={host} className="overflow-x-auto rounded-md border border-line" />;
}
