import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import fc from "fast-check";
import { suite } from "uvu";
import { watchLookups } from "../support/lookups.ts";
import { type Probe, startProbe } from "./probe.ts";

const test = suite("cloudfront");
let probe: Probe;
test.before(async () => {
  probe = await startProbe();
});
test.after(async () => {
  await probe?.stop();
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

/** Node's own client, since `fetch` refuses some of the headers that a caller may send. */
function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string | Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${probe.core.url}${path}`, { method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode as number,
          headers: response.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** What is said on a raw connection until the server closes it. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(Number(new URL(probe.core.url).port), "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk) => {
      got += chunk.toString();
    });
    socket.on("close", () => resolve(got));
    socket.on("error", () => resolve(got));
  });
}

const status = async (...args: Parameters<typeof send>): Promise<number> => (await send(...args)).status;

test("a request reaches the function as payload format 2.0, signed for, with what the viewer function kept", async () => {
  const body = '{"a":1}';
  const answer = await send(
    "POST",
    "/some/path%20x?b=2&a=1&a=3",
    { authorization: "Bearer me", "content-type": "application/json", cookie: "c=1; d=2", host: "viewer.example" },
    body,
  );
  assert.equal(answer.status, 200);
  const event = JSON.parse(answer.text);
  const { headers, requestContext, ...rest } = event;
  assert.deepEqual(rest, {
    version: "2.0",
    routeKey: "$default",
    rawPath: "/some/path x",
    rawQueryString: "b=2&a=1&a=3",
    cookies: ["c=1", "d=2"],
    queryStringParameters: { b: "2", a: "1,3" },
    body,
    isBase64Encoded: false,
  });
  assert.equal(headers.authorization, undefined);
  assert.equal(headers["x-kept"], "Bearer me");
  assert.equal(headers.host, "echo.lambda-url.us-east-1.on.aws");
  assert.equal(headers["x-amz-content-sha256"], createHash("sha256").update(body).digest("hex"));
  assert.equal(headers["x-forwarded-for"], "127.0.0.1");
  assert.equal(requestContext.http.method, "POST");
});

test("answers carry the response headers policy, and which part made them", async () => {
  const { headers } = await send("GET", "/");
  assert.equal(headers["strict-transport-security"], "max-age=31536000");
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["x-cache"], "Miss from cloudfront");
  assert.match(String(headers["x-amz-cf-id"]), /^[\w-]{32}$/);
});

test("a binary body travels in base64, and so does one with a content encoding", async () => {
  const bytes = Buffer.from([0, 255, 1]);
  const binary = JSON.parse((await send("POST", "/", { "content-type": "image/png" }, bytes)).text);
  assert.deepEqual([binary.isBase64Encoded, binary.body], [true, bytes.toString("base64")]);
  const zipped = JSON.parse(
    (await send("POST", "/", { "content-type": "application/json", "content-encoding": "gzip" }, "{}")).text,
  );
  assert.deepEqual([zipped.isBase64Encoded, zipped.body], [true, "e30="]);
});

const answers: [says: string, path: string, status: number, headers: Record<string, unknown>, text: string][] = [
  [
    "status, headers, cookies and base64 body are the function's",
    "/binary",
    201,
    { "content-type": "image/png", "set-cookie": ["a=1", "b=2"], "x-amzn-remapped-www-authenticate": "Basic" },
    "\u0000\u0001\u0002",
  ],
  ["an answer without statusCode is a JSON body", "/plain", 200, { "content-type": "application/json" }, "just text"],
  ["204 has no body", "/none", 204, {}, ""],
  ["a function that throws is 502", "/throw", 502, { "x-amzn-errortype": "RangeError" }, "Internal Server Error"],
  ["an answer over 6 MB is 502", "/big", 502, {}, "Internal Server Error"],
  [
    "a function that does not answer in time is 502",
    "/hang",
    502,
    { "x-amzn-errortype": "Sandbox.Timedout" },
    "Internal Server Error",
  ],
];
for (const [says, path, expected, headers, text] of answers) {
  test(says, async () => {
    const answer = await send("GET", path);
    assert.equal(answer.status, expected);
    for (const [name, value] of Object.entries(headers)) assert.deepEqual(answer.headers[name], value);
    assert.equal(answer.text, text);
  });
}

test("HEAD is passed on and answered without a body", async () => {
  const answer = await send("HEAD", "/");
  assert.deepEqual([answer.status, answer.text], [200, ""]);
  assert.ok(Number(answer.headers["content-length"]) > 0);
});

test("the viewer function may answer itself", async () => {
  const answer = await send("GET", "/viewer/answer");
  assert.deepEqual([answer.status, answer.headers["x-a"], answer.text], [418, "b", "short"]);
  assert.equal(answer.headers["x-cache"], "FunctionGeneratedResponse from cloudfront");
});

test("the viewer function sees the event of version 1.0", async () => {
  const event = JSON.parse((await send("GET", "/viewer/show?q=1&q=2&r", { cookie: "a=b", "x-h": "1" })).text);
  assert.deepEqual(
    [event.version, event.context.eventType, event.viewer],
    ["1.0", "viewer-request", { ip: "127.0.0.1" }],
  );
  assert.deepEqual(event.request.querystring, {
    q: { value: "1", multiValue: [{ value: "1" }, { value: "2" }] },
    r: { value: "" },
  });
  assert.deepEqual(event.request.cookies, { a: { value: "b" } });
  assert.deepEqual(event.request.headers["x-h"], { value: "1" });
});

/** Names that plain objects have of their own, and that a caller may give to anything. */
const NAMES_OF_OBJECTS = [...Object.getOwnPropertyNames(Object.prototype), "prototype"];
const prototypeMembers = () => Reflect.ownKeys(Object.prototype).map(String).sort();

test("parameters, cookies and headers of any name pass and change nothing else", async () => {
  const before = prototypeMembers();
  const name = fc.constantFrom(...NAMES_OF_OBJECTS, "a", "b");
  const values = fc.array(fc.tuple(name, fc.constantFrom("1", "2", "")), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      values,
      values,
      fc.option(name, { nil: undefined }),
      name,
      async (query, cookies, header, path) => {
        const text = query.map((pair) => pair.join("=")).join("&");
        const crumbs = cookies.map((pair) => pair.join("=")).join("; ");
        const answer = await send("POST", `/${path}?${text}`, {
          ...(crumbs === "" ? {} : { cookie: crumbs }),
          // Not as a member of a literal, where it would be the literal's prototype.
          ...Object.fromEntries(header === undefined ? [] : [[header, "h"]]),
        });
        assert.equal(answer.status, 200, answer.text);
        const event = JSON.parse(answer.text);
        assert.equal(event.rawPath, `/${path}`);
        assert.equal(event.rawQueryString, text);
        const expected = new Map<string, string[]>();
        for (const [key, value] of query) expected.set(key, [...(expected.get(key) ?? []), value]);
        assert.deepEqual(
          new Map(Object.entries(event.queryStringParameters ?? {})),
          new Map([...expected].map(([key, all]) => [key, all.join(",")])),
        );
        if (crumbs !== "") assert.deepEqual([...event.cookies].sort(), crumbs.split("; ").sort());
        if (header !== undefined) assert.ok(Object.hasOwn(event.headers, header.toLowerCase()));
        assert.deepEqual(prototypeMembers(), before);
      },
    ),
    {
      numRuns: 60,
      examples: [
        [[["__proto__", "1"]], [], undefined, "a"],
        [[], [["__proto__", "1"]], "__proto__", "constructor"],
      ],
    },
  );
});

test("nothing that a caller names is looked up on an object that has a prototype", async () => {
  const { name, found, end } = watchLookups("/local/");
  try {
    for (const method of ["GET", "POST"])
      for (const path of [`/${name}`, `/docs/${name}`, "/"]) {
        const headers = {
          [name]: name,
          cookie: `${name}=${name}; ${name}=b`,
          "content-type": name,
          "accept-encoding": name,
          "x-forwarded-for": name,
        };
        await send(method, `${path}?${name}=${name}&${name}`, headers, ...(method === "POST" ? [name] : []));
      }
    assert.deepEqual([...found], []);
  } finally {
    end();
  }
});

const viewerFaults: [path: string, line: string][] = [
  ["/viewer/throw", "viewer function: viewer asked to throw"],
  ["/viewer/host", 'viewer function: the viewer function must not set the header "host"'],
];
for (const [path, line] of viewerFaults) {
  test(`${path} is 503, and the console says why`, async () => {
    assert.equal(await status("GET", path), 503);
    assert.equal(probe.lines.at(-1), line);
  });
}

test("the edge function sees the origin-request event", async () => {
  const { text } = await send("POST", "/x?y=1", { "x-do": "show", "content-type": "text/plain" }, "body");
  const { config, request } = JSON.parse(text).Records[0].cf;
  assert.equal(config.eventType, "origin-request");
  assert.deepEqual(
    [request.method, request.uri, request.querystring, request.clientIp],
    ["POST", "/x", "y=1", "127.0.0.1"],
  );
  assert.deepEqual(request.body, { inputTruncated: false, action: "read-only", encoding: "base64", data: "Ym9keQ==" });
  assert.deepEqual(request.headers["content-type"], [{ key: "content-type", value: "text/plain" }]);
  assert.equal(request.origin.custom.domainName, "echo.lambda-url.us-east-1.on.aws");
});

test("the edge function sees 1 MB of a body and is told when that is not all", async () => {
  const whole = JSON.parse((await send("POST", "/", { "x-do": "truncated" }, Buffer.alloc(1_048_576))).text);
  assert.deepEqual(whole, { inputTruncated: false, bytes: 1_048_576 });
  const more = JSON.parse((await send("POST", "/", { "x-do": "truncated" }, Buffer.alloc(1_048_577))).text);
  assert.deepEqual(more, { inputTruncated: true, bytes: 1_048_576 });
});

test("the edge function may refuse", async () => {
  const answer = await send("GET", "/", { "x-do": "refuse" });
  assert.deepEqual(
    [answer.status, answer.text, answer.headers["content-type"]],
    [401, '{"error":"who"}', "application/json"],
  );
  assert.equal(answer.headers["x-cache"], "LambdaGeneratedResponse from cloudfront");
});

test("the edge function may replace the body", async () => {
  const answer = await send("POST", "/", { "x-do": "replace", "content-type": "text/plain" }, "original");
  assert.equal(JSON.parse(answer.text).body, "replaced");
});

const edgeFaults: [does: string, status: number, line: string][] = [
  ["throw", 503, "edge function: Error edge asked to throw"],
  ["forbidden-header", 502, 'edge function: it set the header "x-amz-cf-id", which is not allowed'],
  ["read-only-header", 502, 'edge function: it changed the read-only header "via"'],
  ["method", 502, "edge function: it changed the method, which is read-only"],
  ["huge", 502, "edge function: its response is over 1 MB"],
];
for (const [does, expected, line] of edgeFaults) {
  test(`an edge function that does "${does}" is ${expected}, and the console says why`, async () => {
    assert.equal(await status("GET", "/", { "x-do": does }), expected);
    assert.equal(probe.lines.at(-1), line);
  });
}

test("a body without its hash, or with another one, is refused by the access control", async () => {
  assert.equal(await status("POST", "/", { "x-do": "no-hash" }, "body"), 403);
  assert.equal(await status("POST", "/", { "x-do": "no-hash", "x-amz-content-sha256": "0".repeat(64) }, "body"), 403);
  const right = createHash("sha256").update("body").digest("hex");
  assert.equal(await status("POST", "/", { "x-do": "no-hash", "x-amz-content-sha256": right }, "body"), 200);
});

test("a function whose permissions don't name the distribution is not reached", async () => {
  assert.equal(await status("GET", "/unpermitted"), 403);
  const line = probe.lines.find((one) => one.includes("lambda:InvokeFunctionUrl")) ?? "";
  assert.match(
    line,
    /^AccessDenied cloudfront\.amazonaws\.com \(arn:aws:cloudfront::\S+\) is not authorized to perform: lambda:InvokeFunctionUrl on resource: arn:aws:lambda:us-east-1:000000000000:function:single$/,
  );
});

test("a behaviour is chosen by its path pattern and allows its own methods", async () => {
  assert.equal(await status("GET", "/read/1"), 200);
  assert.equal(await status("POST", "/read/1", {}, "x"), 405);
  assert.equal(await status("POST", "/reading", { "content-type": "text/plain" }, "x"), 200);
});

test("where the first origin of a group refuses, the second is asked for the same, under its own name", async () => {
  const { status, text } = await send("GET", "/either/1?a=b");
  assert.equal(status, 200);
  const { rawPath, rawQueryString, headers } = JSON.parse(text);
  assert.deepEqual([rawPath, rawQueryString, headers.host], ["/either/1", "a=b", "echo.lambda-url.us-east-1.on.aws"]);
});

test("URLs over 8,192 bytes are 414, headers over 32 KB are 494, bodies over 6 MB are 413", async () => {
  assert.equal(await status("GET", `/${"x".repeat(8_192)}`), 414);
  assert.match(await raw(`GET / HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(33_000)}\r\n\r\n`), /^HTTP\/1\.1 494 /);
  assert.equal(await status("POST", "/", {}, Buffer.alloc(6 * 1024 * 1024 + 1)), 413);
});

test("a body over 6 MB still reaches the edge function, which may answer it or take it away", async () => {
  const large = Buffer.alloc(20_000_000, "x");
  const seen = JSON.parse((await send("POST", "/", { "x-do": "truncated" }, large)).text);
  assert.deepEqual(seen, { inputTruncated: true, bytes: 1_048_576 });
  assert.equal(await status("POST", "/", { "x-do": "replace", "content-type": "text/plain" }, large), 200);
});

test("bytes that are not HTTP are answered with 400", async () => {
  assert.match(await raw("nonsense\r\n\r\n"), /^HTTP\/1\.1 400 /);
});

test("a request without Host is refused like any other, and HTTP/1.0 needs none", async () => {
  const refused = await raw("GET /none HTTP/1.1\r\nconnection: close\r\n\r\n");
  assert.match(refused, /^HTTP\/1\.1 400 .*"code":"invalid_request","message":"The request has no `Host`/s);
  assert.match(await raw("HEAD /none HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 204 /);
});

test("a connection stays open for the next request", async () => {
  const both = await raw(
    "HEAD /none HTTP/1.1\r\nhost: a\r\n\r\nHEAD /none HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
  );
  assert.equal(both.match(/HTTP\/1\.1 204 /g)?.length, 2);
});

test.run();
