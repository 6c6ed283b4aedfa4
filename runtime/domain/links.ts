import { signText } from "./signedText.ts";

/**
 * Links that work without a key: their holder was sent them. What a link does is in its signed token, so none can be made up, and
 * one that was made for something else does nothing here.
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
