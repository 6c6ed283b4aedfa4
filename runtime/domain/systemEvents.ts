/** Events that the platform itself sends, as events of the customer: they are matched and delivered like any other. */

/** Types of the events that tell of an alert. */
export const alertTypes = { firing: "triggers.alert.firing", resolved: "triggers.alert.resolved" } as const;

const types: ReadonlySet<string> = new Set(Object.values(alertTypes));

/** Whether events of this type are the platform's. */
export const isSystemType = (type: string | null): boolean => type !== null && types.has(type);
