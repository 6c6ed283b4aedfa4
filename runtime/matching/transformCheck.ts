import jsonPointer from "json-pointer";
import { type ErrorDetail, TriggersError } from "../domain/errors/errors.ts";
import { type Enrich, METADATA, type Transform } from "../domain/subscription.ts";
import { Invalid } from "./invalid.ts";
import { type JsonPath, parsePath } from "./jsonPath/index.ts";

/** Bounds on what one transform may hold; a request over them is refused at creation. */
const limits = { entries: 100, pathLength: 1_000, nameLength: 256, searches: 10 } as const;

/**
 * Checks a transform and an enrichment as they come in a request.
 * @throws TriggersError `invalid_request`, one detail for each thing wrong
 */
export function checkTransform(transform: Transform | undefined, enrich?: Enrich): void {
  const check = new Check();
  const { extract = {}, rename = {}, omit = [] } = transform ?? {};
  check.count("/transform/extract", Object.keys(extract).length);
  for (const [to, path] of Object.entries(extract)) {
    const at = jsonPointer.compile(["transform", "extract", to]);
    check.name(at, to);
    check.path(at, path, mustBeSingular);
  }
  check.count("/transform/rename", Object.keys(rename).length);
  for (const [from, to] of Object.entries(rename)) check.name(jsonPointer.compile(["transform", "rename", from]), to);
  const targets = Object.values(rename);
  if (new Set(targets).size !== targets.length) {
    check.details.push({ path: "/transform/rename", message: "two members can't be renamed to the same name" });
  }
  check.count("/transform/omit", omit.length);
  for (const [index, path] of omit.entries())
    check.path(`/transform/omit/${index}`, path, (parsed) => check.omit(parsed));
  if (enrich !== undefined) {
    if (enrich.key !== undefined) check.path("/enrich/key", enrich.key, mustBeSingular);
    else if (enrich.from !== METADATA) check.details.push({ path: "/enrich/key", message: "is required" });
    check.name("/enrich/as", enrich.as);
  }
  const { details } = check;
  if (details.length > 0) {
    throw new TriggersError("invalid_request", `The transform is not valid: ${details[0]!.message}.`, { details });
  }
}

class Check {
  readonly details: ErrorDetail[] = [];
  #searches = 0;

  count(path: string, entries: number): void {
    if (entries > limits.entries) this.details.push({ path, message: `at most ${limits.entries} entries` });
  }

  name(path: string, text: string): void {
    if (text !== "" && text.length <= limits.nameLength) return;
    this.details.push({ path, message: `a member name has 1 to ${limits.nameLength} characters` });
  }

  path(path: string, text: string, also: (path: JsonPath) => void): void {
    try {
      if (text.length > limits.pathLength) {
        throw new Invalid({ message: `a path has at most ${limits.pathLength} characters` });
      }
      also(parsePath(text));
    } catch (thrown) {
      if (!(thrown instanceof Invalid)) throw thrown;
      this.details.push({ path, ...thrown.problem });
    }
  }

  omit(path: JsonPath): void {
    if (path.steps?.length === 0) {
      throw new Invalid({ message: "`$` is the whole payload and can't be omitted", position: 0 });
    }
    if (path.steps === undefined) this.#searches += 1;
    if (this.#searches > limits.searches) {
      throw new Invalid({
        message: `at most ${limits.searches} paths of \`omit\` can name several places`,
        position: 0,
      });
    }
  }
}

function mustBeSingular(path: JsonPath): void {
  if (path.steps !== undefined) return;
  throw new Invalid({
    message: `${path.text} can name several values; give a path of names and indexes only`,
    position: 0,
  });
}
