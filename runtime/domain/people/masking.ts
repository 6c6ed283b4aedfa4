/** What a customer has the console hide of payloads. Pure: the API masks by it, tests walk it. */

/** Kinds of text that are recognised wherever they stand in a payload. */
export const detected = ["email", "card", "phone", "token"] as const;
export type Detected = (typeof detected)[number];

export interface Masking {
  /** JSONPath queries of members that are always masked. */
  readonly paths: readonly string[];
  readonly detect: readonly Detected[];
}

/** Until the customer says otherwise: nobody at a screen needs the number of a card, or a token. */
export const defaultMasking: Masking = { paths: [], detect: ["card", "token"] };

/** Stands for what is hidden. */
export const MASK = "***";

/** Luhn's check, which every card number passes and one in ten other numbers. ISO/IEC 7812-1, annex B. */
function isCardNumber(text: string): boolean {
  const digits = text.replaceAll(/[ -]/g, "");
  if (digits.length < 13 || digits.length > 19) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

const lastFour = (text: string): string => `${MASK}${text.replaceAll(/[ -]/g, "").slice(-4)}`;

/**
 * What is looked for, and the text in its place.
 * @param whole the pattern's group; a pattern that has one, and leaves it undefined, has met only the beginning of a kind
 * @param needs part of all that the pattern finds: a text without it is not searched, which is most of the work
 */
type Rule = readonly [pattern: RegExp, instead: (found: string, whole?: string) => string, needs?: string];

const cut = (found: string): string => `${found.slice(0, 4)}${MASK}`;

/**
 * What each kind looks like in a text. Linear in the text: a repetition is short, or nothing that must follow it sends an expression back
 * to try again from its next letter.
 */
const kinds: Readonly<Record<Detected, readonly Rule[]>> = {
  email: [
    [
      /[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2,24}/g,
      (found) => `${MASK}@${found.split("@").pop()}`,
      "@",
    ],
  ],
  card: [[/(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g, (found) => (isCardNumber(found) ? lastFour(found) : found)]],
  phone: [[/(?<![\w.])\+\d(?:[ ()./-]{0,2}\d){6,14}(?!\w)/g, (found) => lastFour(found.replaceAll(/\D/g, "")), "+"]],
  token: [
    // A JWT (RFC 7519). What only begins like one is taken too, and left as it is: the search goes on behind it.
    [/\beyJ[\w-]{8,}(\.[\w-]{8,}\.[\w-]*)?/g, (found, whole) => (whole === undefined ? found : cut(found)), "eyJ"],
    [/\b(?:sk|pk|rk|ghp|gho|xox[abp]|whsec|trg_live|trg_sandbox|AKIA)[\w-]{12,}/g, cut],
  ],
};

/** A text with what is to be recognised in it masked. */
export function maskText(text: string, detect: readonly Detected[]): string {
  let masked = text;
  // A pattern without a group hands over the position there, which is a number.
  for (const kind of detect)
    for (const [pattern, instead, needs = ""] of kinds[kind])
      if (masked.includes(needs))
        masked = masked.replaceAll(pattern, (found, group: unknown) =>
          instead(found, typeof group === "string" ? group : undefined),
        );
  return masked;
}

/** `https://host/…last4` of a webhook's URL: its path and query may hold a secret. What is no URL is masked whole. */
export function maskUrl(url: string): string {
  if (!URL.canParse(url)) return MASK;
  const { origin, pathname, search } = new URL(url);
  const rest = `${pathname}${search}`;
  return rest === "/" ? `${origin}/` : `${origin}/…${rest.slice(-4)}`;
}
