import type { Event } from "../../domain/event.ts";
import { Fault, Frame } from "../frame.ts";
import { type Ast, partsOf } from "./ast.ts";
import { compile } from "./compile.ts";
import { refuse, type Scope } from "./compiled.ts";
import { namedType } from "./values.ts";

const NO_EVENT: Event = { event_id: "", event_type: null, received_at: "", payload: {} };

/**
 * Refuses a constant that has no value, such as `duration("1d")`: its author finds out at once, instead of wondering why events
 * fail to match. CEL itself reports it only when it evaluates the constant.
 * @throws Invalid with its position
 */
export function refuseBroken(ast: Ast, scope: Scope): void {
  const parts = partsOf(ast);
  for (const part of parts) refuseBroken(part, scope);
  if (!isConstant(ast)) return;
  const value = compile(ast, scope).run(new Frame(NO_EVENT));
  if (value instanceof Fault && value.kind !== "cost") throw refuse(ast, `this has no value: ${value.reason}`);
}

/** Names that are left where there is no variable are those of types. A comprehension has a variable. */
const isConstant = (ast: Ast): boolean =>
  ast.kind === "name" ? namedType(ast.name) !== undefined : ast.kind !== "macro" && partsOf(ast).every(isConstant);
