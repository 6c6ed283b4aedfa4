import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import { deadLetters, mail } from "../../operations/verify/checks.ts";
import type { Deployment, Resource } from "../../operations/verify/deployment.ts";

const queue = (name: string) => ({
  type: "aws:sqs/queue:Queue",
  id: name,
  name,
  outputs: {
    ...{ arn: `arn:aws:sqs:us-east-1:000000000000:${name}`, url: `https://sqs.test/${name}` },
    redrivePolicy: JSON.stringify({ deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${name}` }),
  },
});

const load = { eventsPerSecond: 1, eventsPerRequest: 1, eventBytes: 1 };

/** What a check finds of these resources, where AWS answers like this. */
async function finds(
  check: typeof mail,
  resources: readonly Resource[],
  answer: (path: string, response: ServerResponse) => unknown,
) {
  const server = createServer((request, response) => answer(request.url!, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: "AKIA", secretAccessKey: "secret" };
  const client = { region: "us-east-1", endpoint, credentials };
  const deployment: Deployment = { stack: "dev", resources, outputs: {}, client };
  try {
    return await check({ deployment, load, now: Date.now });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

test("credentials that AWS refuses are one finding, and not one for each resource", async () => {
  const found = await finds(deadLetters, ["ingest-dead", "retry-dead", "jobs-dead"].map(queue), (_, response) =>
    response
      .writeHead(403, { "content-type": "application/x-amz-json-1.0" })
      .end('{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token is expired"}'),
  );
  assert.deepEqual(found, [
    {
      state: "wrong",
      says: "ingest-dead and 2 more: ExpiredTokenException: The security token is expired",
      remedy:
        "Check the credentials of this shell and whether the resource is still there; `pulumi refresh` shows what was changed by hand.",
    },
  ]);
});

const identity: Resource = {
  type: "aws:sesv2/emailIdentity:EmailIdentity",
  id: "mail.test",
  name: "mail-identity",
  outputs: { emailIdentity: "mail.test", arn: "arn:aws:ses:eu-west-1:000000000000:identity/mail.test" },
};
const well = {
  dkim: { VerifiedForSendingStatus: true, DkimAttributes: { SigningEnabled: true, Status: "SUCCESS", Tokens: ["a"] } },
  account: {
    ProductionAccessEnabled: true,
    SendingEnabled: true,
    EnforcementStatus: "HEALTHY",
    SendQuota: { Max24HourSend: 50_000, MaxSendRate: 14 },
  },
};
const dkim = (Status: string) => ({
  VerifiedForSendingStatus: false,
  DkimAttributes: { SigningEnabled: true, Status, Tokens: ["a", "b"] },
});
const RECORDS =
  "Its DNS has to hold a._domainkey.mail.test CNAME a.dkim.amazonses.com, b._domainkey.mail.test CNAME b.dkim.amazonses.com";
const signed = { state: "ok", says: "eu-west-1: mails from mail.test are signed" };
const sends = { state: "ok", says: "eu-west-1: SES sends 50000 mails a day, 14 a second" };

const mails: [says: string, change: Partial<typeof well>, findings: object[]][] = [
  ["a proven domain of an account in production", {}, [signed, sends]],
  [
    "an account in the sandbox",
    { account: { ...well.account, ProductionAccessEnabled: false } },
    [
      signed,
      {
        state: "wrong",
        says: "eu-west-1: SES is in its sandbox: mails reach verified addresses alone",
        remedy: 'Ask for production access: docs/deploy.md, "Mail and SMS".',
      },
    ],
  ],
  [
    "an account whose mails were stopped",
    { account: { ...well.account, SendingEnabled: false, EnforcementStatus: "SHUTDOWN" } },
    [
      signed,
      {
        state: "wrong",
        says: "eu-west-1: SES has stopped the account's mails (SHUTDOWN)",
        remedy: "Too many of them bounced or were complained about: SES says in its console what it wants done.",
      },
    ],
  ],
  [
    "a domain whose records SES still looks for",
    { dkim: dkim("PENDING") },
    [
      {
        state: "wait",
        says: "eu-west-1: mails from mail.test can't be sent: its DKIM is PENDING",
        remedy: `${RECORDS}. SES looks for them for three days.`,
      },
      sends,
    ],
  ],
  [
    "a domain whose records are not there",
    { dkim: dkim("FAILED") },
    [
      {
        state: "wrong",
        says: "eu-west-1: mails from mail.test can't be sent: its DKIM is FAILED",
        remedy: `${RECORDS}: docs/deploy.md, "Mail and SMS".`,
      },
      sends,
    ],
  ],
];
for (const [says, change, findings] of mails)
  test(`of mail, ${says} is found`, async () => {
    const answers = { ...well, ...change };
    const found = await finds(mail, [identity], (path, response) =>
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(path.endsWith("/account") ? answers.account : answers.dkim)),
    );
    assert.deepEqual(found, findings);
  });

test("nothing is asked of SES where no mail is sent", async () => {
  assert.deepEqual(await finds(mail, [], () => assert.fail("SES was asked")), []);
});

test.run();
