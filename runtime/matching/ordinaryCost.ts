import type { EventSelector } from "../domain/subscription.ts";
import { BUDGET } from "./budget.ts";
import { type Ast, partsOf } from "./cel/ast.ts";
import { parseCel } from "./cel/parser.ts";
import { Invalid, naming, SELECTOR } from "./invalid.ts";
import { type Expression, expressions, isDescendant, parseQuery, type Segments, selectors } from "./jsonPath/parse.ts";

/**
 * What a selector would take of an ordinary event, told from its text: lists of a hundred elements, in them lists of ten, in those of three. What
 * takes the whole of a selector's budget even there matches hardly anything in practice, costs its customer a great deal, and
 * is refused when it is created. In units of fuel, roughly as evaluation counts them.
 */
const LISTS = [100, 10, 3] as const;
const LIST = LISTS[0];
const sizeAt = (level: number): number => LISTS[level] ?? 1;

/** @throws TriggersError `invalid_selector` */
export function checkOrdinaryCost(selector: EventSelector): void {
  const cel = typeof selector === "string" ? undefined : selector.cel;
  const path = typeof selector === "string" ? selector : selector.jsonpath;
  if (cel !== undefined) naming(`${SELECTOR}/cel`, () => refuseOver(costOfCel(parseCel(cel), new Map())));
  if (path === undefined) return;
  const query = queryOf(path);
  if (query === undefined) return;
  const where = typeof selector === "string" ? SELECTOR : `${SELECTOR}/jsonpath`;
  naming(where, () => refuseOver(costOfSegments(query, 0)));
}

function refuseOver(cost: number): void {
  if (cost < BUDGET) return;
  throw new Invalid({
    message: `it would take about ${Math.round(cost / 100) * 100} units of work on lists of ${LIST} elements, and ${BUDGET} are allowed: it goes through one list for each element of another`,
    position: 0,
    expected: "one pass over a list, for instance with `in`",
  });
}

/** Comparisons of paths that name one place each cost next to nothing: only queries are looked into. */
function queryOf(text: string): Segments | undefined {
  try {
    return parseQuery(text).segments;
  } catch (error) {
    if (!(error instanceof Invalid)) throw error;
    return undefined;
  }
}

/** Variables of the loops around, with the level of the lists that are within their values. */
type Loops = ReadonlyMap<string, number>;

function costOfCel(ast: Ast, loops: Loops): number {
  if (ast.kind !== "macro") return partsOf(ast).reduce((sum, part) => sum + costOfCel(part, loops), 0);
  const within = new Map(loops).set(ast.variable, levelOf(ast.of, loops) + 1);
  const body = [ast.test, ast.make].filter((part) => part !== undefined);
  const each = body.reduce((sum, part) => sum + 1 + nodesOf(part) / 2 + costOfCel(part, within), 0);
  return costOfCel(ast.of, loops) + sizeOf(ast.of, loops) * each;
}

/** Elements of what a loop goes through. */
function sizeOf(ast: Ast, loops: Loops): number {
  if (ast.kind === "list") return ast.items.length;
  if (ast.kind === "map") return ast.entries.length;
  if (ast.kind === "macro") return sizeOf(ast.of, loops);
  return sizeAt(levelOf(ast, loops));
}

/** How far in a list is: 0 for one of the event's own, inside any loops. */
const levelOf = (ast: Ast, loops: Loops): number =>
  ast.kind === "name"
    ? (loops.get(ast.name) ?? 0)
    : partsOf(ast).reduce((level, part) => Math.max(level, levelOf(part, loops)), 0);

const nodesOf = (ast: Ast): number => partsOf(ast).reduce((sum, part) => sum + nodesOf(part), 1);

/** @param level of the first list that it goes through */
function costOfSegments(segments: Segments, level: number): number {
  let places = 1;
  let at = level;
  let cost = 0;
  for (const segment of segments) {
    let found = 0;
    if (isDescendant(segment)) {
      places *= sizeAt(at);
      at += 1;
      cost += places;
    }
    for (const selector of segment.selectors) {
      const one = selector instanceof selectors.NameSelector || selector instanceof selectors.IndexSelector;
      const visited = places * (one ? 1 : sizeAt(at));
      const each = selector instanceof selectors.FilterSelector ? 1 + costOfExpression(selector.expression, at + 1) : 1;
      cost += visited * each;
      found += visited;
    }
    if (found > places) at += 1;
    places = found;
  }
  return cost;
}

/** @param level of the lists that are within what it looks at */
function costOfExpression(expression: Expression, level: number): number {
  if (expression instanceof expressions.LogicalExpression) return costOfExpression(expression.expression, level);
  if (expression instanceof expressions.PrefixExpression) return costOfExpression(expression.right, level);
  if (expression instanceof expressions.InfixExpression)
    return costOfExpression(expression.left, level) + costOfExpression(expression.right, level);
  if (expression instanceof expressions.FunctionExtension)
    return expression.args.reduce((sum, argument) => sum + costOfExpression(argument, level), 0);
  if (!(expression instanceof expressions.FilterQuery)) return 0;
  return costOfSegments(expression.path.segments, expression instanceof expressions.RootQuery ? 0 : level);
}
