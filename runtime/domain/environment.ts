/**
 * What a function finds in its environment is declared once, as a list of names in `runtime/<stage>/environment.ts`.
 * The handler reads it at cold start; the component imports the type, so a variable left out is a compile error.
 */
export type Environment<Names extends readonly string[]> = Readonly<Record<Names[number], string>>;

/** @throws Error naming every variable that is missing */
export function readEnvironment<const Names extends readonly string[]>(names: Names): Environment<Names> {
  const missing = names.filter((name) => process.env[name] === undefined);
  if (missing.length > 0) throw new Error(`missing environment variables: ${missing.join(", ")}`);
  return Object.fromEntries(names.map((name) => [name, process.env[name]])) as Environment<Names>;
}

/** What exporting spans takes, of each function that does: see `runtime/aws/tracing.ts`. Empty where it isn't configured. */
export const tracingVariables = ["OTLP_ENDPOINT", "OTLP_HEADERS_SECRET", "TRACE_SAMPLE_RATIO"] as const;
