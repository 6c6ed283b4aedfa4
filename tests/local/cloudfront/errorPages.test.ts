import assert from "node:assert/strict";
import { suite } from "uvu";
import { readDistribution } from "../../../local/cloudfront/declared.ts";
import { replaced, serve } from "../../../local/cloudfront/distribution.ts";
import type { ViewerRequest } from "../../../local/cloudfront/viewerFunction.ts";
import type { HttpAnswer } from "../../../local/lambda/functionUrl.ts";
import { distributionParts } from "../../support/distributionParts.ts";

const test = suite("error pages of a distribution");

const distribution = {
  arn: "arn",
  ...readDistribution(
    "E1",
    {
      enabled: true,
      origins: [{ originId: "api", domainName: "api.example" }],
      defaultCacheBehavior: { targetOriginId: "api", allowedMethods: ["GET", "HEAD"] },
      customErrorResponses: [502, 504].map((errorCode) => ({
        ...{ errorCode, responseCode: errorCode, errorCachingMinTtl: 0 },
        responsePagePath: `/answers/${errorCode}`,
      })),
    },
    distributionParts,
  ),
};

/** What a viewer gets while the origin answers so, and its pages so. */
async function answered(origin: HttpAnswer, page: (path: string) => HttpAnswer) {
  const serving = {
    distribution,
    requestId: "r",
    callOrigin: async (_: unknown, { path }: { readonly path: string }) =>
      path.startsWith("/answers/") ? page(path) : origin,
    log: () => {},
  };
  const request: ViewerRequest = { method: "GET", uri: "/inbox", query: "", headers: new Map(), ip: "127.0.0.1" };
  const first = await serve(serving, distribution.behaviours[0]!, request, Buffer.alloc(0));
  const { status, headers, body } = await replaced(serving, first, "127.0.0.1");
  return [status, headers["retry-after"], headers["x-request-id"], String(body)];
}

/** As our API answers the pages. */
const inFormat = (path: string): HttpAnswer => ({
  status: 200,
  headers: { "content-type": "application/json", "retry-after": "1", "x-request-id": "req_1" },
  body: `{"error":${path.slice(-3)}}`,
});
const plain = (status: number): HttpAnswer => ({ status, headers: {}, body: "Internal Server Error" });

test("a function that failed or was silent is answered by the page of that status, headers and all", async () => {
  for (const status of [502, 504])
    assert.deepEqual(await answered(plain(status), inFormat), [status, "1", "req_1", `{"error":${status}}`]);
});

test("where the page can't be had either, the answer is in the format of errors all the same", async () => {
  for (const [status, code] of [
    [502, "bad_gateway"],
    [504, "gateway_timeout"],
  ] as const) {
    const [answer, retryAfter, id, body] = await answered(plain(status), () => plain(504));
    assert.deepEqual([answer, retryAfter], [status, "1"]);
    const { error } = JSON.parse(String(body)) as { error: { code: string; request_id: string } };
    assert.deepEqual([error.code, error.request_id], [code, id]);
    assert.match(String(id), /^req_[0-9A-Z]{26}$/);
  }
});

test("other answers stay as they are", async () => {
  for (const status of [200, 404, 500, 503])
    assert.deepEqual((await answered(plain(status), inFormat)).slice(0, 2), [status, undefined]);
});

test.run();
