/** Selectors compiled, explained and indexed; transforms of the delivered copy. Pure: it uses neither AWS nor Node's I/O. */

export { Budget, CUSTOMER_BUDGET, EVENT_BUDGET } from "./budget.ts";
export { parseTypePattern, type WantedTypes, wantedTypes, wantsType } from "./eventType.ts";
export { buildMatcher, type Matchable, type Matcher } from "./index/index.ts";
export { type JsonPath, parsePath } from "./jsonPath/index.ts";
export { checkOrdinaryCost } from "./ordinaryCost.ts";
export { membersUnder, memberText, writeObject } from "./rawJson.ts";
export { type CompiledSelector, compileSelector, compileStored } from "./selector.ts";
export { applyTransform, type Enrichment, enrichmentKey, rowOf } from "./transform.ts";
export { checkTransform } from "./transformCheck.ts";
