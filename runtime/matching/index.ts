/** Selectors compiled, explained and indexed; transforms of the delivered copy. Pure: no AWS, no Node I/O. */
export { type JsonPath, parsePath } from "./jsonPath.ts";
export { buildMatcher, type Matchable, type Matcher } from "./matcher.ts";
export { type CompiledSelector, compileSelector, type Explanation } from "./selector.ts";
export { applyTransform, checkTransform, type Enrichment, enrichmentKey } from "./transform.ts";
