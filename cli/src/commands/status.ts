import { exits } from "../exits.ts";
import { command } from "../run.ts";

export default command<object, []>(async ({ out, client }) => {
  const triggers = client();
  const status = await triggers.call("GET", "/status");
  out.answer({ url: triggers.url, ...status }, () => {
    const colours = { ok: 32, degraded: 33, down: 31 } as const;
    return [
      `${triggers.url}  ${out.paint(status.status, colours[status.status])}`,
      ...Object.entries(status.components).map(([name, { status: state, ...figures }]) => {
        const more = Object.entries(figures as Record<string, unknown>).map(([figure, value]) => `${figure} ${value}`);
        return `  ${name.padEnd(9)} ${out.paint(state.padEnd(9), colours[state])} ${more.join(", ")}`.trimEnd();
      }),
      ...status.incidents.map((incident) => `  ${incident.kind}: ${incident.title} (${incident.status})`),
    ];
  });
  return status.status === "ok" ? exits.done : exits.bad_news;
});
