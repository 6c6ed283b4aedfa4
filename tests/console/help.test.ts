import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import { referenceOf } from "../../console/src/help/openapi.ts";
import { sectionOf, topicOf, topics } from "../../console/src/help/topics.ts";
import { places } from "../../console/src/places.ts";
import { calls } from "../../runtime/domain/people/roles.ts";

const root = join(import.meta.dirname, "../..");

for (const [path, { calls: named, examples, guides, troubles = [] }] of Object.entries(topics)) {
  test(`beside ${path} each call is one of the API, and each page of the documentation has its section`, () => {
    const known = new Set([...Object.keys(calls), "GET /status"]);
    assert.deepEqual(
      named.filter((call) => !known.has(call)),
      [],
    );
    const routes = [...known]
      .map((call) => call.replaceAll(/\{\w+\}/g, "[^/]+"))
      .map((call) => new RegExp(`^${call}$`));
    for (const { method, path: called } of examples)
      assert.ok(
        routes.some((route) => route.test(`${method} ${called.split("?")[0]}`)),
        `${method} ${called}`,
      );
    for (const [file, heading] of [...guides, ...troubles])
      assert.ok(sectionOf(readFileSync(join(root, "docs", file), "utf8"), heading), `${file}: ${heading}`);
  });
}

test("every place has its documentation, and one below another has that of the longest", () => {
  assert.ok(places.every(({ path }) => topicOf(path).calls.length > 0));
  assert.equal(topicOf("/send/history"), topics["/send"]);
  assert.equal(topicOf("/deliveries"), topics["/deliveries"]);
  assert.equal(topicOf("/nowhere"), topics["/"]);
});

test("the reference of a call names members, answers and codes, through references", () => {
  const document = {
    components: { schemas: { Made: { type: "object", required: ["id"], properties: { id: { type: "string" } } } } },
    paths: {
      "/things": {
        post: {
          summary: "Make one",
          requestBody: {
            content: {
              "application/json": {
                schema: {
                  type: "object",
                  properties: {
                    kind: { enum: ["a", "b"] },
                    of: { type: "array", items: { $ref: "#/components/schemas/Made" } },
                  },
                },
              },
            },
          },
          responses: {
            201: {
              description: "Made.",
              content: { "application/json": { schema: { $ref: "#/components/schemas/Made" } } },
            },
            422: { description: "`unprocessable`, `limit_reached`" },
          },
        },
      },
    },
  };
  assert.deepEqual(referenceOf("POST /things", document), {
    call: "POST /things",
    summary: "Make one",
    says: "",
    parameters: [],
    body: [
      { name: "kind", type: '"a" or "b"', required: false, says: "" },
      { name: "of", type: "list of Made", required: false, says: "" },
    ],
    answers: [{ status: "201", says: "Made.", members: [{ name: "id", type: "string", required: true, says: "" }] }],
    codes: ["unprocessable", "limit_reached"],
  });
  assert.equal(referenceOf("GET /things", document), undefined);
});

test.run();
