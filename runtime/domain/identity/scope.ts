/** What a key may be allowed to do. */
export const scopes = ["events:write", "events:read", "subscriptions", "keys", "privacy", "admin"] as const;
export type Scope = (typeof scopes)[number];
/** What a new key may do unless its maker says otherwise. */
export const defaultScopes: readonly Scope[] = ["events:write", "events:read", "subscriptions"];
