import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "uvu";
import { deadLetters } from "../../operations/verify/checks.ts";
import type { Deployment } from "../../operations/verify/deployment.ts";

const queue = (name: string) => ({
  type: "aws:sqs/queue:Queue",
  id: name,
  name,
  outputs: {
    ...{ arn: `arn:aws:sqs:us-east-1:000000000000:${name}`, url: `https://sqs.test/${name}` },
    redrivePolicy: JSON.stringify({ deadLetterTargetArn: `arn:aws:sqs:us-east-1:000000000000:${name}` }),
  },
});

test("credentials that AWS refuses are one finding, and not one for each resource", async () => {
  const server = createServer((_, response) =>
    response
      .writeHead(403, { "content-type": "application/x-amz-json-1.0" })
      .end('{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token is expired"}'),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const deployment: Deployment = {
    stack: "dev",
    resources: ["ingest-dead", "retry-dead", "jobs-dead"].map(queue),
    outputs: {},
    client: { region: "us-east-1", endpoint, credentials: { accessKeyId: "AKIA", secretAccessKey: "secret" } },
  };
  const load = { eventsPerSecond: 1, eventsPerRequest: 1, eventBytes: 1 };
  try {
    assert.deepEqual(await deadLetters({ deployment, load, now: Date.now }), [
      {
        state: "wrong",
        says: "ingest-dead and 2 more: ExpiredTokenException: The security token is expired",
        remedy:
          "Check the credentials of this shell and whether the resource is still there; `pulumi refresh` shows what was changed by hand.",
      },
    ]);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});

test.run();
