/**
 * What this platform has beside it: on one machine a receiver of webhooks, whose address pages name. An element with `data-here="sink"`
 * takes its text, one with `data-here-link` its address.
 */
async function fill(): Promise<void> {
  const wanted = document.querySelectorAll<HTMLElement>("[data-here], [data-here-origin]");
  if (wanted.length === 0) return;
  for (const element of document.querySelectorAll<HTMLElement>("[data-here-origin]"))
    element.textContent = location.origin;
  const response = await fetch("/docs/here.json");
  if (!response.ok) return;
  const { sink_url } = (await response.json()) as { sink_url?: string };
  if (sink_url === undefined) return;
  for (const element of document.querySelectorAll<HTMLElement>("[data-here]")) {
    const address = sink_url + (element.dataset.here ?? "");
    element.textContent = address;
    if (element instanceof HTMLAnchorElement) element.href = address;
  }
}
void fill();
