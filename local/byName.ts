/**
 * Objects whose members a caller names. Invariant: nothing that a caller names is found or written anywhere but in the object
 * itself; a plain object would give its prototype's members for `constructor`, and the prototype itself for `__proto__`.
 */

/** An object without a prototype. @param members to begin with */
export const byName = <T>(members: Readonly<Record<string, T>> = {}): Record<string, T> =>
  Object.assign(Object.create(null) as Record<string, T>, members);

/** The object's own member, never its prototype's. */
export const own = <T>(members: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(members, name) ? members[name] : undefined;
