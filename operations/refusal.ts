/** Why a command of an operator did nothing. The message is for the person at the keyboard. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** What stopped a command, for the person at the keyboard: one line, with what to do where nobody listens. */
export function stoppedBy(thrown: unknown): string {
  if (thrown instanceof Refusal) return thrown.message;
  const { name, message, cause } = thrown as Error;
  const inner = cause instanceof Error ? ` (${cause.name}: ${cause.message})` : "";
  const text = `${name}: ${message}${inner}`.replaceAll("\n", " ");
  return text.includes("ECONNREFUSED")
    ? `${text}. Nothing listens there. On this machine "npm start" starts the platform.`
    : text;
}
