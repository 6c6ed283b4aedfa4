import assert from "node:assert/strict";
import { test } from "uvu";
import { waitingAnswer } from "../../../local/product/waitingPage.ts";

const viewer = (uri: string, mode = "navigate", method = "GET") => ({
  method,
  uri,
  headers: new Map([["sec-fetch-mode", mode]]),
});
const never = (): Promise<void> => new Promise(() => {});

test("a browser that opens the documentation while it is built sees that, and the page is replaced by itself", async () => {
  for (const path of ["/docs", "/docs/", "/docs/errors", "/docs/guides/limits/"]) {
    const answer = await waitingAnswer(viewer(path), never);
    assert.equal(answer?.status, 503, path);
    assert.deepEqual([answer!.headers["retry-after"], answer!.headers["cache-control"]], ["3", "no-store"]);
    assert.match(String(answer!.body), /<h1>The documentation is being built<\/h1>/);
    for (const [, wanted] of String(answer!.body).matchAll(/(?:src|rel="(?:stylesheet|icon)" href)="([^"]+)"/g))
      assert.equal((await waitingAnswer(viewer(wanted!, "no-cors"), never))?.status, 200, wanted);
  }
});

test("the distribution answers programs, files and other pages, and everything once the documentation is built", async () => {
  let asked = 0;
  const built = async () => {
    asked += 1;
  };
  assert.equal(await waitingAnswer(viewer("/docs/errors"), built), undefined);
  assert.equal(asked, 1);
  for (const other of [
    viewer("/docs/errors", "cors"),
    viewer("/docs/errors.md"),
    viewer("/docs/_astro/a.css"),
    viewer("/docs/answers/404"),
    viewer("/docsx"),
    viewer("/console/"),
    viewer("/docs/", "navigate", "HEAD"),
  ])
    assert.equal(await waitingAnswer(other, never), undefined, other.uri);
  assert.equal(await waitingAnswer({ ...viewer("/docs/"), headers: new Map() }, never), undefined);
});

test.run();
