import { createContext, Script } from "node:vm";
import MissingRef from "ajv/dist/compile/ref_error.js";
import { default as AjvCore } from "ajv/dist/core.js";
import draft2020 from "ajv/dist/vocabularies/draft2020.js";
import { isNumeric, parseJson, readNumbers } from "../jsonNumber.ts";
import type { Millis } from "../time.ts";
import { comparingKeywords, forAjv, schemaForAjv, validating } from "./schemaKeywords.ts";

/**
 * JSON Schemas (2020-12) that customers register for their event types, compiled by ajv.
 *
 * Invariant: a schema that compiles can't hurt the platform. It refers to nothing outside itself, is bounded in size
 * and depth, and sees only an object's own members. What could take long with a hostile event (a regular expression, a
 * reference, a comparison of all items) makes a check `costly`: it runs under `withinTime`, and so does any other whose event and
 * schema are large together.
 * `format` is an annotation, as the specification has it by default; keywords it does not know are annotations too.
 */

/** Of the schema as JSON text, UTF-8. */
export const MAX_SCHEMA_BYTES = 65_536;
const MAX_SCHEMA_DEPTH = 32;
/** To compile it; a usual schema takes one. */
const COMPILE_TIMEOUT_MS = 1_000;
/** Faults told of one event. */
const MAX_FAULTS_AN_EVENT = 20;

export interface SchemaFault {
  /** JSON Pointer into the event. */
  readonly path: string;
  readonly message: string;
}

export interface SchemaCheck {
  readonly costly: boolean;
  /** Bytes of the schema: what a check costs grows with them and with the event's. */
  readonly bytes: number;
  /** @param event its JSON text. No faults: it fits */
  faults(event: Buffer): readonly SchemaFault[];
}

/** Why a document can't be the schema of an event type; the message is for the customer. */
export class SchemaError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SchemaError";
  }
}

/** ajv without the meta-schemas, which only the registration of a schema (PUT) needs. */
class Ajv extends AjvCore.default {
  constructor() {
    super({
      dynamicRef: true,
      next: true,
      unevaluated: true,
      meta: false,
      validateSchema: false,
      strict: false,
      validateFormats: false,
      inlineRefs: false, // a long definition with many references to it would become very much code
      allErrors: false,
      ownProperties: true,
      logger: false,
      code: { optimize: false }, // the checks are as fast without, and compiling is up to 20 times as fast
    });
  }
  override _addVocabularies(): void {
    super._addVocabularies();
    for (const vocabulary of draft2020.default) this.addVocabulary(vocabulary);
    for (const definition of comparingKeywords) {
      this.removeKeyword(definition.keyword as string);
      this.addKeyword(definition);
    }
  }
}

const COSTLY = new Set(["$ref", "$dynamicRef", "pattern", "patternProperties", "uniqueItems", "not", "contains"]);
for (const keyword of ["anyOf", "oneOf", "allOf", "if", "unevaluatedProperties", "unevaluatedItems"])
  COSTLY.add(keyword);

/** Walks the schema once, by level. @throws SchemaError past the depth bound, and for `$async`, which is ajv's own */
function examine(schema: object): { costly: boolean } {
  let costly = false;
  let level: object[] = [schema];
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > MAX_SCHEMA_DEPTH) throw new SchemaError(`The schema is nested deeper than ${MAX_SCHEMA_DEPTH} levels.`);
    for (const each of level) {
      if ((each as { $async?: unknown }).$async === true)
        throw new SchemaError('The schema holds the unknown keyword "$async".');
      costly ||= Object.keys(each).some((keyword) => COSTLY.has(keyword));
    }
    level = level.flatMap((each) => Object.values(each).filter((value) => typeof value === "object" && value !== null));
  }
  return { costly };
}

/**
 * @param text the schema as it was put, JSON
 * @throws SchemaError when it is no schema, too large, too deep, too slow to compile, or refers to another document
 */
export function compileSchema(text: string, timeoutMs = COMPILE_TIMEOUT_MS): SchemaCheck {
  const schema = parseJson(text);
  const object = typeof schema === "object" && schema !== null && !Array.isArray(schema) && !isNumeric(schema);
  if (!object && typeof schema !== "boolean") throw new SchemaError("A JSON Schema is an object or a boolean.");
  if (Buffer.byteLength(text) > MAX_SCHEMA_BYTES) {
    throw new SchemaError(`The schema exceeds ${MAX_SCHEMA_BYTES.toLocaleString("en")} bytes.`);
  }
  const { costly } = object ? examine(schema) : { costly: false };
  let validate!: ReturnType<AjvCore.default["compile"]>;
  const compile = () => {
    validate = new Ajv().compile(schemaForAjv(schema) as object | boolean);
  };
  try {
    if (!withinTime(timeoutMs, compile)) throw new Error(`it takes more than ${timeoutMs} ms`);
  } catch (cause) {
    const missing = cause instanceof MissingRef.default ? cause.missingRef : undefined;
    const message =
      missing === undefined
        ? `The schema can't be compiled: ${(cause as Error).message}.`
        : `The schema refers to ${JSON.stringify(missing)}, which it does not hold; other documents are not fetched.`;
    throw new SchemaError(message, { cause });
  }
  const fits = (event: string): boolean => {
    const { value, long } = readNumbers(event);
    return validating(long ? value : undefined, () => validate(long ? forAjv(value) : value) === true);
  };
  const faults = (event: Buffer): readonly SchemaFault[] => {
    try {
      if (fits(event.toString("utf8"))) return [];
    } catch (cause) {
      // References that lead back to where they began, at the same value, end when the stack does.
      if (cause instanceof RangeError) return [{ path: "", message: "the schema refers to itself without end" }];
      throw cause;
    }
    return (validate.errors ?? []).slice(0, MAX_FAULTS_AN_EVENT).map(({ instancePath, keyword, message, params }) => ({
      path: instancePath,
      message: `${describe(keyword, message ?? "does not fit", params as Record<string, unknown>)} (${keyword})`,
    }));
  };
  return { costly, bytes: Buffer.byteLength(text), faults };
}

/** ajv leaves the name of an unwanted member, or the values allowed, to `params`. */
function describe(keyword: string, message: string, params: Record<string, unknown>): string {
  const name = params.additionalProperty ?? params.unevaluatedProperty ?? params.propertyName;
  if (typeof name === "string") return `${message}: ${JSON.stringify(name.slice(0, 100))}`;
  if (keyword === "enum" || keyword === "const") {
    return `${message}: ${JSON.stringify(params.allowedValues ?? params.allowedValue).slice(0, 200)}`;
  }
  return message;
}

const timed = createContext({ work: undefined });
const script = new Script("work()");

/** Does the work within the time, else answers false. Costs about 0.2 ms itself. */
export function withinTime(timeoutMs: Millis, work: () => void): boolean {
  timed.work = work;
  try {
    script.runInContext(timed, { timeout: timeoutMs });
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return false;
    throw thrown;
  } finally {
    timed.work = undefined;
  }
}
