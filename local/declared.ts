import type { Inputs, LocalContext, ResourceRequest } from "./service.ts";

/**
 * Reading of declared arguments. A stand-in lists the arguments it acts on and those that change nothing on one machine; any other
 * that is given stops the start, since what is skipped here would fail in production.
 */

/** Given at all: Pulumi leaves out what was not said, and tags may be empty. */
const given = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== false &&
  value !== "" &&
  !(Array.isArray(value) && value.length === 0);

/** @throws Error naming the first argument that the stand-in lacks; arguments with an empty value are ignored */
export function onlySupports({ type, name, inputs }: ResourceRequest, supported: string): void {
  const names = new Set(`region tags ${supported}`.split(/\s+/));
  for (const [argument, value] of Object.entries(inputs)) {
    if (given(value) && !names.has(argument))
      throw new Error(
        `${type} "${name}": the local platform does not support the argument "${argument}" (${JSON.stringify(value)})`,
      );
  }
}

/** The member if it is there. @throws Error when it is of another type */
export function optional<T extends "string" | "number" | "boolean">(
  inputs: Inputs,
  member: string,
  type: T,
): { string: string; number: number; boolean: boolean }[T] | undefined {
  const value = inputs[member];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== type)
    throw new Error(`the argument "${member}" must be a ${type}, not ${JSON.stringify(value)}`);
  return value as { string: string; number: number; boolean: boolean }[T];
}

/** @throws Error when the member is missing */
export function required(request: ResourceRequest, member: string): string {
  const value = optional(request.inputs, member, "string");
  if (value === undefined || value === "")
    throw new Error(`${request.type} "${request.name}" needs the argument "${member}"`);
  return value;
}

/** The name of a role or policy, of which a program gives the name or the ARN. */
export const nameIn = (arnOrName: string): string => arnOrName.slice(arnOrName.lastIndexOf("/") + 1);

/** Name of a resource in AWS: as declared, or from its logical name, stable over restarts. */
export const physicalName = ({ name, inputs }: ResourceRequest, member = "name"): string =>
  optional(inputs, member, "string") ?? name;

export const regionOf = ({ inputs }: ResourceRequest, context: Pick<LocalContext, "region">): string =>
  optional(inputs, "region", "string") ?? context.region;

export const list = (value: unknown): readonly Inputs[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? (value as Inputs[]) : [value as Inputs];
