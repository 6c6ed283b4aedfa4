/** Names that every JavaScript object seems to have, and what has caught others: as a customer's own names they are like any. */
export const hostileNames: readonly string[] = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...["prototype", "length", "name", "then", "toJSON", "inspect", "size", "get", "has", "0", "-1", "", " ", "null"],
  ...["undefined", "true", "NaN", "$", "@", "*", "a.b", "a/b~c", "é", "\u2028", "😀", "\ud800"],
  // JSON.parse can take the second one for the first (runtime/domain/json.ts).
  ...["\\", '"'],
];
