import { and, type Draft, leaf, not, or } from "../clause.ts";
import { Fault, type PathPool } from "../frame.ts";
import type { Ast } from "./ast.ts";
import { compile } from "./compile.ts";
import { condition, type Scope } from "./compiled.ts";
import { refuseBroken } from "./constants.ts";
import { explain } from "./explain.ts";
import { needsOf } from "./lookups.ts";
import { parseCel } from "./parser.ts";
import { eventScope } from "./places.ts";
import { noOverload } from "./values.ts";

/**
 * A CEL expression over an event, as a tree of conditions: `&&`, `||` and `!` become the tree, what is between them its
 * leaves.
 * @throws Invalid with the position
 */
export function compileCel(text: string, pool: PathPool): Draft {
  const ast = parseCel(text);
  const scope = eventScope(pool);
  const clause = clauseOf(ast, text, scope);
  refuseBroken(ast, scope);
  return clause;
}

function clauseOf(ast: Ast, source: string, scope: Scope): Draft {
  const text = source.slice(ast.start, ast.end);
  if (ast.kind === "logic") {
    return (ast.operator === "&&" ? and : or)(
      text,
      ast.parts.map((part) => clauseOf(part, source, scope)),
    );
  }
  if (ast.kind === "not") return not(text, clauseOf(ast.of, source, scope));
  const { run } = condition(ast, scope, compile);
  return leaf({
    text,
    test: (frame) => {
      const value = run(frame);
      return typeof value === "boolean" || value instanceof Fault ? value : noOverload("condition", value);
    },
    // Explaining is rare and parsing is quick: the tree is not kept for it.
    because: (frame, value) => explain(text, scope, frame, value),
    ...needsOf(ast, scope),
  });
}
