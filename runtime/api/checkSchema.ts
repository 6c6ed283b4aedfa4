import Ajv2020 from "ajv/dist/2020.js";
import { compileSchema, SchemaError } from "../domain/body/schema.ts";
import { TriggersError } from "../domain/errors/errors.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";
const metaSchema = new Ajv2020.default({ strict: false, validateFormats: false, logger: false, allErrors: true });

const invalid = (message: string, path: string, cause?: unknown) =>
  new TriggersError("invalid_schema", message, { details: [{ path, message }], cause });

/**
 * Refuses a schema of another draft than 2020-12, one that its own meta-schema refuses, and one beyond the bounds of
 * runtime/domain/body/schema.ts. @param text the same as it was written @throws TriggersError `invalid_schema`
 */
export function checkSchema(schema: unknown, text: string): void {
  if (typeof schema === "object" && schema !== null && "$schema" in schema) {
    const dialect = schema.$schema;
    if (typeof dialect !== "string" || dialect.replace(/#$/, "") !== DIALECT) {
      throw invalid(`"$schema" must be ${DIALECT}.`, "/$schema");
    }
  }
  if (isWrapped(schema)) {
    throw invalid(
      'The body is the schema itself, not an object with the member "schema": send what is inside.',
      "/schema",
    );
  }
  try {
    // First within bounds, then by the meta-schema, whose work grows with the document.
    compileSchema(text);
  } catch (thrown) {
    if (!(thrown instanceof SchemaError)) throw thrown;
    const faults = faultsOf(schema);
    if (faults.length === 0) throw invalid(thrown.message, "", thrown);
    throw new TriggersError("invalid_schema", thrown.message, { details: faults, cause: thrown });
  }
  const faults = faultsOf(schema);
  if (faults.length > 0) {
    throw new TriggersError("invalid_schema", "The document is not a JSON Schema (2020-12).", { details: faults });
  }
}

/** `{ "schema": {…} }` alone: a valid schema, which would allow everything, and surely meant as the schema inside. */
const isWrapped = (schema: unknown): boolean =>
  typeof schema === "object" &&
  schema !== null &&
  Object.keys(schema).join() === "schema" &&
  typeof (schema as { schema: unknown }).schema === "object";

const MAX_FAULTS = 20;

function faultsOf(schema: unknown): { path: string; message: string }[] {
  if (typeof schema !== "object" || schema === null) return [];
  if (metaSchema.validate(DIALECT, schema) === true) return [];
  return (metaSchema.errors ?? []).slice(0, MAX_FAULTS).map(({ instancePath, message, keyword }) => ({
    path: instancePath,
    message: `${message ?? "is not valid"} (${keyword})`,
  }));
}
