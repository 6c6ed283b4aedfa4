import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import fc from "fast-check";
import { suite } from "uvu";
import type { Credentials } from "../../local/credentials.ts";
import { defined } from "../../runtime/domain/defined.ts";
import { type Answered, type Sent, type Signing, sendTo, sign, type Unsigned } from "../support/gatewayCalls.ts";
import { watchLookups } from "../support/lookups.ts";
import { type Probe, startProbe } from "./probe.ts";

const test = suite("signatures at the gateway");
let probe: Probe;
test.before(async () => {
  probe = await startProbe();
});
test.after(async () => {
  await probe?.stop();
});

const host = () => new URL(probe.core.gatewayUrl).host;
const send = (sent: Sent): Promise<Answered> => sendTo(probe.core.gatewayUrl, sent);

interface Signer extends Pick<Signing, "service" | "date" | "all"> {
  readonly role?: string;
  /** @default those of the role, or of the administrator */
  readonly credentials?: Credentials;
}

const signed = (sent: Unsigned, { role, credentials, ...signing }: Signer): Promise<Sent> =>
  sign(sent, { ...signing, host: host(), credentials: credentials ?? probe.core.aws(role).credentials });

const send1 = (): Unsigned & { headers: Record<string, string> } => ({
  method: "POST",
  path: "/",
  query: "",
  headers: { "content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessage" },
  body: JSON.stringify({ QueueUrl: String(probe.core.outputs.workUrl), MessageBody: '{"file":"/dev/null"}' }),
});

const calls: [service: string, call: () => Unsigned][] = [
  ["sqs", send1],
  [
    "secretsmanager",
    () => ({
      ...send1(),
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.DescribeSecret" },
      body: '{"SecretId":"token"}',
    }),
  ],
  ["lambda", () => ({ method: "POST", path: "/2015-03-31/functions/echo/invocations", query: "", body: "{}" })],
  ["s3", () => ({ method: "GET", path: "/none/a%20b", query: "list-type=2&prefix=a%2Fb", body: "" })],
];

for (const [service, make] of calls) {
  test(`${service}: a call that the secret of a role has signed is carried out`, async () => {
    const { status, text } = await send(await signed(make(), { service }));
    assert.ok(status === 200 || (service === "s3" && text.includes("NoSuchBucket")), `${status} ${text}`);
  });
}

test("a signature for all regions is checked by the caller's public key", async () => {
  const sent = await signed(send1(), { service: "sqs", all: true });
  // SQS knows its queues by region, and this signature names none: the call comes as far as that.
  assert.match((await send(sent)).text, /NonExistentQueue|does not exist/);
  const forged = { ...sent, body: sent.body.replace("null", "zero") };
  assert.equal((await send(forged)).code, "SignatureDoesNotMatch");
});

const faults: [service: string, unknown: string, mismatch: string, skew: string][] = [
  ["sqs", "InvalidClientTokenId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"],
  ["secretsmanager", "UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException"],
  ["lambda", "UnrecognizedClientException", "InvalidSignatureException", "InvalidSignatureException"],
  ["s3", "InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"],
];
for (const [service, unknown, mismatch, skew] of faults) {
  const make = new Map(calls).get(service)!;
  test(`${service} refuses an unknown key, a wrong secret, and a time that is too far off, by its own names`, async () => {
    const { accessKeyId } = probe.core.aws().credentials;
    const byName = { accessKeyId: "local-administrator", secretAccessKey: "local" };
    assert.equal((await send(await signed(make(), { service, credentials: byName }))).code, unknown);
    const wrong = { accessKeyId, secretAccessKey: "local" };
    assert.equal((await send(await signed(make(), { service, credentials: wrong }))).code, mismatch);
    for (const minutes of [-20, 20]) {
      const date = new Date(Date.now() + minutes * 60_000);
      assert.equal((await send(await signed(make(), { service, date }))).code, skew);
    }
  });
}

test("a call without a signature has no identity", async () => {
  const { code } = await send({ ...send1(), headers: { ...send1().headers, host: host() } });
  assert.equal(code, "MissingAuthenticationTokenException");
});

/** Each takes a signed call and changes one thing of it. */
const tampering: Readonly<Record<string, (sent: Sent, dice: string) => void>> = {
  method: (sent) => {
    sent.method = sent.method === "POST" ? "PUT" : "POST";
  },
  path: (sent, dice) => {
    sent.path += dice;
  },
  query: (sent, dice) => {
    sent.query = `${sent.query}&x${dice}=1`;
  },
  body: (sent, dice) => {
    sent.body += dice;
  },
  "a signed header": (sent, dice) => {
    sent.headers["x-amz-date"] = `${sent.headers["x-amz-date"]!.slice(0, -2)}${dice.length % 10}Z`;
    sent.headers.host = `localhost:${host().split(":")[1]}`;
  },
  "an unsigned header of AWS": (sent) => {
    sent.headers["x-amz-copy-source"] = "/other/object";
  },
  signature: (sent) => {
    sent.headers.authorization = sent.headers.authorization!.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  },
  "another signature": (sent) => {
    sent.headers.authorization = sent.headers.authorization!.replace(
      /Signature=.*$/,
      `Signature=${randomBytes(32).toString("hex")}`,
    );
  },
  "signed headers": (sent) => {
    sent.headers.authorization = sent.headers.authorization!.replace("SignedHeaders=", "SignedHeaders=accept;");
  },
  region: (sent) => {
    sent.headers.authorization = sent.headers.authorization!.replace("us-east-1", "us-west-2");
  },
  service: (sent) => {
    sent.headers.authorization = sent.headers.authorization!.replace(/us-east-1\/\w+/, "us-east-1/kms");
  },
  "the caller": (sent) => {
    const other = probe.core.aws("worker-role").credentials.accessKeyId;
    sent.headers.authorization = sent.headers.authorization!.replace(/Credential=\w+/, `Credential=${other}`);
  },
};

test("a signed call that was changed anywhere is refused", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...calls),
      fc.constantFrom(...Object.keys(tampering)),
      fc.stringMatching(/^[a-z0-9]{1,9}$/),
      async ([service, make], what, dice) => {
        const sent = await signed(make(), { service });
        tampering[what]!(sent, dice);
        const { status, text } = await send(sent);
        assert.ok(status === 400 || status === 403, `${what}: ${status} ${text}`);
      },
    ),
    { numRuns: 150 },
  );
});

const link = async (expiresIn = 60, date?: Date): Promise<URL> => {
  const client = new S3Client({ ...probe.core.aws(), forcePathStyle: true });
  const url = await getSignedUrl(client, new GetObjectCommand({ Bucket: "none", Key: "a/b" }), {
    expiresIn,
    ...defined({ signingDate: date }),
  });
  client.destroy();
  return new URL(url);
};
const follow = (url: URL, method = "GET", headers: Record<string, string> = {}) =>
  send({ method, path: url.pathname, query: url.search.slice(1), headers: { host: url.host, ...headers }, body: "" });

test("a link is valid for exactly the object and method that it was made for", async () => {
  const url = await link();
  assert.equal((await follow(url)).code, "NoSuchBucket");
  const changed = (change: (query: URLSearchParams) => void) => {
    const other = new URL(url);
    change(other.searchParams);
    return other;
  };
  const refused: [says: string, answer: Promise<Answered>, code: string][] = [
    ["another method", follow(url, "PUT"), "SignatureDoesNotMatch"],
    ["another object", follow(new URL(url.href.replace("/a/b", "/a/c"))), "SignatureDoesNotMatch"],
    ["a longer time", follow(changed((query) => query.set("X-Amz-Expires", "3600"))), "SignatureDoesNotMatch"],
    [
      "over a week",
      follow(changed((query) => query.set("X-Amz-Expires", "604801"))),
      "AuthorizationQueryParametersError",
    ],
    ["no number", follow(changed((query) => query.set("X-Amz-Expires", "1e9"))), "AuthorizationQueryParametersError"],
    ["no signature", follow(changed((query) => query.delete("X-Amz-Signature"))), "AuthorizationQueryParametersError"],
    ["another parameter", follow(changed((query) => query.set("versionId", "1"))), "SignatureDoesNotMatch"],
    ["an unsigned header of S3", follow(url, "GET", { "x-amz-acl": "public-read" }), "AccessDenied"],
    ["past its time", follow(await link(60, new Date(Date.now() - 61_000))), "AccessDenied"],
    ["before its time", follow(await link(60, new Date(Date.now() + 20 * 60_000))), "AccessDenied"],
  ];
  for (const [says, answer, code] of refused) assert.equal((await answer).code, code, says);
});

test("the gateway refuses a web page, by its origin and by a host name that points here", async () => {
  const sent = await signed(send1(), { service: "sqs" });
  const fromPage = await send({ ...sent, headers: { ...sent.headers, origin: "https://evil.example" } });
  assert.deepEqual([fromPage.status, fromPage.code], [403, "AccessDeniedException"]);
  const rebound = await signed(
    { ...send1(), headers: { ...send1().headers, host: "evil.example" } },
    { service: "sqs" },
  );
  assert.deepEqual([(await send(rebound)).status, (await send(rebound)).code], [403, "AccessDeniedException"]);
});

test("names like __proto__ in a call do no harm", async () => {
  const before = Reflect.ownKeys(Object.prototype).map(String).sort();
  const name = fc.constantFrom("__proto__", "constructor", "toString", "hasOwnProperty", "valueOf");
  await fc.assert(
    fc.asyncProperty(
      name,
      name,
      fc.constantFrom("s3", "lambda", "sqs", "kms", "cloudfront-keyvaluestore", "secretsmanager"),
      async (path, query, service) => {
        const sent = await signed(
          {
            method: service === "s3" ? "GET" : "POST",
            path: `/${path}/${query}`,
            query: service === "s3" ? `x=${query}` : "",
            headers: { "x-amz-target": `${path}.${query}`, "content-type": "application/x-amz-json-1.1" },
            body: service === "s3" ? "" : `{"${path}":"${query}","KeyId":"${query}","QueueUrl":"a/${query}"}`,
          },
          { service },
        );
        const { status, text } = await send(sent);
        assert.ok(status >= 400 && status < 500, `${status} ${text}`);
        assert.deepEqual(Reflect.ownKeys(Object.prototype).map(String).sort(), before);
      },
    ),
    { numRuns: 60 },
  );
});

test("nothing that a caller names is looked up on an object that has a prototype, whether the call is signed or not", async () => {
  const { name, found, end } = watchLookups("/local/");
  try {
    const actions = ["SendMessage", "GetSecretValue", "Decrypt", "GetItem", "PutRecordBatch", "GetMetricData", name];
    const body = JSON.stringify({
      [name]: name,
      ...Object.fromEntries(
        ["QueueUrl", "SecretId", "KeyId", "TableName", "DeliveryStreamName"].map((member) => [member, `a/${name}`]),
      ),
      MessageBody: name,
      MessageAttributes: { [name]: { DataType: "String", StringValue: name } },
      CiphertextBlob: name,
      EncryptionContext: { [name]: name },
      Key: { [name]: { S: name } },
    });
    const services =
      "s3 sqs kms secretsmanager dynamodb firehose lambda scheduler events monitoring logs ses sms-voice";
    for (const service of [...services.split(" "), "cloudfront-keyvaluestore", "execute-api", "rds", name]) {
      const paths = [
        "/",
        `/${name}/${name}`,
        `/2015-03-31/functions/${name}/invocations`,
        `/key-value-stores/${name}/keys/${name}`,
        `/${name}/@connections/${name}`,
      ];
      for (const path of paths)
        for (const method of ["GET", "POST", "PUT"])
          for (const action of path === "/" ? actions : [name]) {
            const sent: Unsigned & { headers: Record<string, string> } = {
              method,
              path,
              query: `${name}=${name}`,
              headers: {
                "content-type": "application/x-amz-json-1.0",
                "x-amz-target": `${name}.${action}`,
                [`x-amz-meta-${name}`]: name,
                [name]: name,
              },
              body: method === "GET" ? "" : body,
            };
            await send(await signed(sent, { service }));
            const authorization = `AWS4-HMAC-SHA256 Credential=${name}/20250101/${name}/${service}/aws4_request, SignedHeaders=host, Signature=00, ${name}=${name}`;
            await send({ ...sent, headers: { ...sent.headers, host: host(), authorization } });
          }
      const credential = encodeURIComponent(`${name}/20250101/us-east-1/${service}/aws4_request`);
      await send({
        ...{ method: "GET", path: `/${name}`, body: "", headers: { host: host() } },
        query: `X-Amz-Credential=${credential}&${name}=${name}`,
      });
    }
    assert.deepEqual([...found], []);
  } finally {
    end();
  }
});

test.run();
