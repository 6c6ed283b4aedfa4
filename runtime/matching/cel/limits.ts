/** Bounds on what an expression may hold; what passes them is refused at creation. */
export const celLimits = { length: 4_000, depth: 40, nodes: 1_000, comprehensions: 3, items: 500 } as const;
