import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import { compileViewerFunction } from "../../../local/cloudfront/viewerFunction.ts";

const test = suite("paths of the documentation");
const toObject = compileViewerFunction(
  readFileSync(new URL("../../../runtime/edge/docs.js", import.meta.url), "utf8"),
  "E1",
  [],
);

const objects: [path: string, object: string][] = [
  ["/docs", "/docs/index.html"],
  ["/docs/", "/docs/index.html"],
  ["/docs/errors", "/docs/errors/index.html"],
  ["/docs/errors/", "/docs/errors/index.html"],
  ["/docs/errors.md", "/docs/errors.md"],
  ["/docs/_astro/a.b1.css", "/docs/_astro/a.b1.css"],
  ["/docs/v1.2/page", "/docs/v1.2/page/index.html"],
  ["/docs/llms.txt", "/docs/llms.txt"],
  ["/llms.txt", "/docs/llms.txt"],
];
for (const [path, object] of objects)
  test(`${path} is ${object}`, async () => {
    const request = { method: "GET", uri: path, query: "", ip: "203.0.113.7", headers: new Map<string, string>() };
    assert.deepEqual([(await toObject(request)).response, request.uri], [undefined, object]);
  });

test.run();
