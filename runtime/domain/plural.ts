/** The word for so many: `plural(1, "event")` is `event`, of 0 or 2 `events`. @param many where it is not the word with an s */
export const plural = (n: number, one: string, many = `${one}s`): string => (n === 1 ? one : many);
