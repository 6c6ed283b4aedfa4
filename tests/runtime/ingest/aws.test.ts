import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { SignatureV4 } from "@smithy/signature-v4";
import { suite } from "uvu";
import { clientsOver } from "../../../runtime/aws/clients.ts";
import { AwsError, type AwsSettings, Sha256, signedCalls } from "../../../runtime/aws/signed.ts";
import { type Aws, connectAws } from "../../../runtime/ingest/aws.ts";
import { overHttp } from "../../support/overHttp.ts";

const test = suite("aws");
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}
let server: Server;
let aws: Aws;
/** The same, its calls brought by a carrier. */
let carriedAws: Aws;
let seen: Seen[] = [];
let answer: (seen: Seen, response: ServerResponse) => void;

test.before(async () => {
  server = createServer((incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      const one = {
        method: incoming.method!,
        url: incoming.url!,
        headers: incoming.headers,
        body: Buffer.concat(parts),
      };
      seen.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  const settings: AwsSettings = {
    region: "eu-west-1",
    endpoint,
    accessKeyId: "AKID",
    secretAccessKey: "secret",
    sessionToken: "token",
    timeoutMs: 200,
  };
  aws = connectAws(settings);
  carriedAws = connectAws({ ...settings, carrier: overHttp(endpoint) });
});
test.before.each(() => {
  seen = [];
  answer = (_, response) => response.end("{}");
});
test.after(
  () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }),
);

test("a message goes to its queue, in its tenant's group", async () => {
  await aws.sendMessage("http://q/1/ingest", "text ☂", "cus_1");
  assert.deepEqual(
    seen.map(({ method, url, headers, body }) => [
      method,
      url,
      headers["x-amz-target"],
      headers["content-type"],
      JSON.parse(body.toString()),
    ]),
    [
      [
        "POST",
        "/",
        "AmazonSQS.SendMessage",
        "application/x-amz-json-1.0",
        { QueueUrl: "http://q/1/ingest", MessageBody: "text ☂", MessageGroupId: "cus_1" },
      ],
    ],
  );
});

test("a payload goes to its bucket, its hash signed", async () => {
  const bytes = Buffer.from([0, 1, 255]);
  await aws.putObject("payloads", "cus_1.sandbox/01ABC", bytes);
  const [{ method, url, headers, body }] = seen as [Seen];
  assert.deepEqual([method, url, body], ["PUT", "/payloads/cus_1.sandbox/01ABC", bytes]);
  assert.equal(headers["x-amz-content-sha256"], createHash("sha256").update(bytes).digest("hex"));
});

test("a function is invoked and its answer read", async () => {
  answer = (_, response) => response.end('{"version":3}');
  assert.deepEqual(await aws.invoke("subscriptions", { op: "schemas" }), { version: 3 });
  assert.deepEqual(
    [seen[0]!.url, seen[0]!.body.toString()],
    ["/2015-03-31/functions/subscriptions/invocations", '{"op":"schemas"}'],
  );
});

test("a function that failed is an error, not an answer", async () => {
  answer = (_, response) => response.setHeader("x-amz-function-error", "Unhandled").end('{"errorMessage":"x"}');
  await assert.rejects(
    aws.invoke("subscriptions", {}),
    (error) => error instanceof AwsError && error.message === "subscriptions failed",
  );
});

test("a secret is read", async () => {
  answer = (_, response) => response.end('{"SecretString":"s3cret"}');
  assert.equal(await aws.getSecret("cache-token"), "s3cret");
  assert.equal(seen[0]!.headers["x-amz-target"], "secretsmanager.GetSecretValue");
});

test("a call is signed as the SDK signs it", async () => {
  await aws.sendMessage("q", "m", "g");
  const { headers, body } = seen[0]!;
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization!)![1]!.split(";");
  for (const name of ["host", "x-amz-date", "x-amz-security-token", "x-amz-target", "content-type"])
    assert.ok(signed.includes(name), name);
  const signer = new SignatureV4({
    service: "sqs",
    region: "eu-west-1",
    credentials: { accessKeyId: "AKID", secretAccessKey: "secret", sessionToken: "token" },
    sha256: Sha256,
  });
  const date = headers["x-amz-date"] as string;
  const again = await signer.sign(
    {
      method: "POST",
      protocol: "http:",
      hostname: "127.0.0.1",
      path: "/",
      headers: Object.fromEntries(
        signed
          .filter((name) => !/^x-amz-(date|security|content)/.test(name))
          .map((name) => [name, headers[name] as string]),
      ),
      body: body.toString(),
    },
    { signingDate: new Date(date.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z")) },
  );
  assert.equal(headers.authorization, again.headers.authorization);
});

test("an error that may pass is retried", async () => {
  answer = (_, response) => response.writeHead(seen.length < 3 ? 503 : 200).end("{}");
  await aws.sendMessage("q", "m", "g");
  assert.equal(seen.length, 3);
});

test("a carrier brings the same calls, signed alike, and their answers", async () => {
  answer = (_, response) => response.end('{"version":"☂"}');
  for (const each of [aws, carriedAws]) {
    assert.deepEqual(await each.invoke("subscriptions", { op: "schemas" }), { version: "☂" });
    await each.putObject("payloads", "cus_1/01ABC", Buffer.from([0, 1, 255]));
  }
  const [invoked, put, carriedInvoked, carriedPut] = seen as [Seen, Seen, Seen, Seen];
  for (const [own, carried] of [
    [invoked, carriedInvoked],
    [put, carriedPut],
  ] as const) {
    assert.deepEqual([carried.method, carried.url, carried.body], [own.method, own.url, own.body]);
    const signed = ({ headers }: Seen) => /SignedHeaders=([^,]+)/.exec(headers.authorization!)![1]!.split(";");
    assert.deepEqual(signed(carried), signed(own));
    const { "x-amz-date": _, ...said } = Object.fromEntries(signed(own).map((name) => [name, own.headers[name]]));
    for (const [name, value] of Object.entries(said)) assert.equal(carried.headers[name], value, name);
  }
});

const failures: [says: string, behave: typeof answer, tries: number, sent: boolean, message: string][] = [
  [
    "a refusal is final, and nothing was done",
    (_, r) => r.writeHead(400).end('{"__type":"QueueDoesNotExist"}'),
    1,
    false,
    'sqs answered 400: {"__type":"QueueDoesNotExist"}',
  ],
  [
    "a server's failure may have been carried out",
    (_, r) => r.writeHead(500).end("oops"),
    3,
    true,
    "sqs answered 500: oops",
  ],
  [
    "throttling means that nothing was done",
    (_, r) => r.writeHead(429).end("slow down"),
    3,
    false,
    "sqs answered 429: slow down",
  ],
  [
    "throttling that comes as 400 is known by its name",
    (_, r) => r.writeHead(400).end('{"__type":"com.amazonaws.sqs#ThrottlingException"}'),
    3,
    false,
    'sqs answered 400: {"__type":"com.amazonaws.sqs#ThrottlingException"}',
  ],
  [
    "a connection cut after the request may have been carried out",
    (_, r) => r.destroy(),
    3,
    true,
    "sqs did not answer",
  ],
  ["silence may have been carried out", () => {}, 3, true, "sqs did not answer"],
];
for (const [says, behave, tries, sent, message] of failures) {
  for (const way of ["over HTTP", "carried"]) {
    test(`${says}, ${way}`, async () => {
      answer = behave;
      const error = await (way === "carried" ? carriedAws : aws).sendMessage("q", "m", "g").then(
        () => undefined,
        (thrown: AwsError) => thrown,
      );
      assert.deepEqual([seen.length, error?.sent, error?.message], [tries, sent, message]);
    });
  }
}

test("all attempts together take no longer than the caller has", async () => {
  answer = () => {};
  const { port } = server.address() as AddressInfo;
  const { invoke } = clientsOver(
    signedCalls({
      region: "eu-west-1",
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyId: "a",
      secretAccessKey: "b",
      timeoutMs: 60_000,
    }),
  );
  await assert.rejects(invoke("subscriptions", "{}", 50), (error) => error instanceof AwsError && error.sent);
  assert.equal(seen.length, 1);
});

test("a call to a closed port counts as not carried out", async () => {
  const nobody = connectAws({
    region: "x",
    endpoint: "http://127.0.0.1:1",
    accessKeyId: "a",
    secretAccessKey: "b",
    timeoutMs: 200,
  });
  await assert.rejects(nobody.sendMessage("q", "m", "g"), (error) => error instanceof AwsError && !error.sent);
});

test.run();
