import type { Parts } from "../../local/cloudfront/declared.ts";

/** What a distribution refers to, where its origins alone matter. */
export const distributionParts: Parts = {
  functions: new Map(),
  controls: new Map(),
  forwardings: new Map(),
  responses: new Map(),
  lambda: { hasUrl: () => true } as unknown as Parts["lambda"],
  s3: undefined,
  sockets: undefined,
};
