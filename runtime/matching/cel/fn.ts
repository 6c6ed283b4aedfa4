import type { Frame } from "../frame.ts";
import type { Value } from "./values.ts";

/**
 * A function or method. `accepts` are the types each argument may have (the receiver of a method first), for checking;
 * `run` still meets every type at match time and answers a Fault for those it has no overload for.
 */
export interface Fn {
  readonly accepts: readonly number[];
  /** How many of the arguments may be left out. */
  readonly optional?: number;
  readonly returns: number;
  run(args: readonly Value[], frame: Frame): Value;
}
