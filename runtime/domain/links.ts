import { signText } from "./signedText.ts";

/**
 * Links that work without a key: their holder was sent them. A signed token says what its link does, so a link can't be invented, and
 * works only for what it was made for.
 */
export type LinkDoes =
  | { readonly does: "verify"; readonly customer_id: string; readonly channel_id: string; readonly code: string }
  | {
      readonly does: "unsubscribe";
      readonly customer_id: string;
      readonly report_id: string;
      readonly address: string;
    };

export const LINKS = "links";

/** @param base where the platform is reached, without a slash at the end */
export const linkTo = (key: string, base: string, does: LinkDoes): string =>
  `${base}/links/${signText(key, LINKS, does)}`;
