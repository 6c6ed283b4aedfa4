import {
  FunctionExpressionType,
  JSONPathEnvironment,
  JSONPathError,
  type JSONPathQuery,
  jsonpath,
  type Token,
  TokenKind,
} from "json-p3";
import { defined } from "../../domain/defined.ts";
import { numericOf } from "../../domain/jsonNumber.ts";
import { Invalid } from "../invalid.ts";

/**
 * JSONPath's front end: `json-p3` parses and checks well-typedness; what RFC 9535 has and it lacks is mended here, and
 * nowhere else. Only its tree is used: evaluation is ours (`query.ts`), for bounded work and paths read once.
 */
export const pathLimits = { length: 4_000, filterDepth: 4, descendants: 4, tests: 200 } as const;

const { expressions, selectors } = jsonpath;
export type Expression = InstanceType<typeof expressions.FilterExpression>;
export type Segments = JSONPathQuery["segments"];
export type Selector = Segments[number]["selectors"][number];
export { expressions, selectors };

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** The tokens as the library's parser hands them to the function of a token kind. */
interface Stream {
  readonly current: Token;
}
type TokenMap = Map<TokenKind, (stream: Stream) => Expression>;

/** Expressions that stood in parentheses: the tree has no node for them. */
const grouped = new WeakSet<Expression>();

const environment = mended();

function mended(): JSONPathEnvironment {
  const made = new JSONPathEnvironment();
  const { tokenMap } = (made as unknown as { parser: { tokenMap: TokenMap } }).parser;
  // The library takes `0.5`, `0.0` and `0e1` for numbers with a leading zero; RFC 9535, 2.3.5.1, allows them.
  tokenMap.set(TokenKind.NUMBER, ({ current }) => {
    if (NUMBER.test(current.value)) return new expressions.NumberLiteral(current, numericOf(current.value) as number);
    throw new jsonpath.JSONPathSyntaxError(`invalid number literal '${current.value}'`, current);
  });
  const group = tokenMap.get(TokenKind.LPAREN)!;
  tokenMap.set(TokenKind.LPAREN, function (this: unknown, stream) {
    const expression = group.call(this, stream);
    grouped.add(expression);
    return expression;
  });
  return made;
}

/** RFC 9535, 2.5.1.1: other names stand in brackets. */
const SHORTHAND = /^[A-Za-z_\u{80}-\u{10ffff}][\w\u{80}-\u{10ffff}]*$/u;
const COMPARISONS = new Set(["==", "!=", "<", "<=", ">", ">="]);

/** What the library takes and the RFC's grammar (2.5.1.1, 2.3.5.1) does not derive. @throws Invalid */
function checkGrammar(segments: Segments, offset: number): void {
  const refuse = (message: string, { token }: { readonly token: Token }, suggestion?: string): Invalid =>
    new Invalid({
      message,
      position: Math.max(0, token.index - offset),
      ...defined({ suggestion }),
    });
  const checkValue = (expression: Expression): void => {
    if (grouped.has(expression)) throw refuse("only conditions stand in parentheses, not values", expression);
    check(expression);
  };
  const check = (expression: Expression): void => {
    if (expression instanceof expressions.LogicalExpression) check(expression.expression);
    else if (expression instanceof expressions.PrefixExpression) check(expression.right);
    else if (expression instanceof expressions.FilterQuery) checkGrammar(expression.path.segments, offset);
    else if (expression instanceof expressions.FunctionExtension) expression.args.forEach(checkValue);
    else if (expression instanceof expressions.InfixExpression) {
      const each = COMPARISONS.has(expression.operator) ? checkValue : check;
      each(expression.left);
      each(expression.right);
    }
  };
  for (const selector of segments.flatMap((segment) => segment.selectors)) {
    if (selector instanceof selectors.FilterSelector) check(selector.expression);
    if (!(selector instanceof selectors.NameSelector) || selector.token.kind !== TokenKind.NAME) continue;
    if (SHORTHAND.test(selector.name)) continue;
    const message = `the name \`${selector.name}\` must stand in brackets and quotes`;
    throw refuse(message, selector, `\`[${JSON.stringify(selector.name)}]\``);
  }
}

export const returnsValue = (name: string): boolean =>
  environment.functionRegister.get(name)?.returnType === FunctionExpressionType.ValueType;

/** The library's segment classes are not exported, so one is taken from a query. */
const Descendant = environment.compile("$..*").segments[0]!.constructor as new () => Segments[number];

export const isDescendant = (segment: Segments[number]): boolean => segment instanceof Descendant;

/** @throws Invalid with the position */
export function parseQuery(text: string): JSONPathQuery {
  return guarded(text, 0, () => checked(text, 0));
}

/**
 * A logical expression that stands alone, as if it were a filter on the payload itself: `$.a == 1 && !$.b`.
 * @throws Invalid with the position
 */
export function parseLogical(text: string): Expression {
  const query = guarded(text, PREFIX.length, () => checked(`${PREFIX}${text}]`, PREFIX.length));
  const [segment, ...more] = query.segments;
  const [only, ...others] = segment?.selectors ?? [];
  // A bracket or comma that closes the filter early would leave more than the one selector that was opened here.
  if (more.length > 0 || others.length > 0 || !(only instanceof selectors.FilterSelector)) {
    throw new Invalid({
      message: "this is not one logical expression",
      position: 0,
      expected: "a comparison of paths",
    });
  }
  return only.expression.expression;
}

const PREFIX = "$[?";

function checked(text: string, offset: number): JSONPathQuery {
  const query = environment.compile(text);
  checkGrammar(query.segments, offset);
  return query;
}

function guarded<T>(text: string, offset: number, work: () => T): T {
  if (text.length > pathLimits.length) {
    throw new Invalid({ message: `a path has at most ${pathLimits.length} characters`, position: pathLimits.length });
  }
  if (!text.isWellFormed()) {
    const position = text.length - text.slice(text.search(/\p{Surrogate}/u)).length;
    throw new Invalid({ message: "a path holds no lone surrogate", position });
  }
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new Invalid({ message: "the expression is nested too deep", position: 0 });
    if (!(thrown instanceof JSONPathError)) throw thrown;
    const message = plain(thrown.message);
    const position = placeOf(message, text, Math.min(text.length, Math.max(0, thrown.token.index - offset)));
    throw new Invalid({ message, position, ...hint(text, position) });
  }
}

/** The library has read past a word before it says that it did not expect the word's first character. */
function placeOf(message: string, text: string, position: number): number {
  const character = /token '(\w)'$/.exec(message)?.[1];
  if (character === undefined || text[position] === character) return position;
  return position - (/\w+$/.exec(text.slice(0, position))?.[0].length ?? 0);
}

/** The library appends the place to its messages (`… ('text':12)`); here it travels as `position`. */
const plain = (message: string): string =>
  message
    .replace(/ \('.*$/s, "")
    .replaceAll("  ", " ")
    .replace("can't backup beyond start", "the path ends too early")
    .replace("unexpected token 'TOKEN_ERROR'", "something follows the path");

const FUNCTIONS = ["length", "count", "match", "search", "value"];

/** What could have stood at the position, and the mistake that most often leads there. */
function hint(text: string, position: number): { expected?: string; suggestion?: string } {
  const rest = text.slice(position);
  if (
    /^=(?!=)/.test(rest) ||
    (text[position - 1] === "=" && text[position - 2] !== "=" && !"<>!".includes(text[position - 2] ?? ""))
  ) {
    return { expected: "a comparison: ==, !=, <, <=, >, >=", suggestion: "`==`" };
  }
  if (/^&(?!&)/.test(rest)) return { expected: "&&", suggestion: "`&&`" };
  if (/^\|(?!\|)/.test(rest)) return { expected: "||", suggestion: "`||`" };
  const word = /^[\p{L}_]\w*/u.exec(rest)?.[0];
  if (word !== undefined) {
    if (/^(and|or|not)$/i.test(word)) {
      return { suggestion: { and: "`&&`", or: "`||`", not: "`!`" }[word.toLowerCase()]! };
    }
    if (rest.startsWith(`${word}(`)) return { expected: `one of ${FUNCTIONS.map((name) => `${name}()`).join(", ")}` };
    return { expected: "a path ($… or @…), a literal or a function", suggestion: `\`$.${word}\` or \`'${word}'\`` };
  }
  if (rest === "") return { expected: "the rest of the expression" };
  return {};
}
