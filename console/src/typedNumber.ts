/**
 * A number as somebody typed it. Any other text goes to the platform as it is, which says what is wrong: `NaN` would become null in JSON, and
 * null can mean that there is none.
 */
export const typedNumber = (text: string): number | string =>
  text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
