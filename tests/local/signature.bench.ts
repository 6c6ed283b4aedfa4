/** What checking a call's signature costs the gateway: it does so for every call of every function. */
import { randomBytes } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { createCredentials } from "../../local/credentials.ts";
import { createVerifier, readClaim } from "../../local/gateway/signature.ts";
import { Sha256 } from "../../runtime/aws/signed.ts";

const credentials = createCredentials();
const verify = createVerifier({ callerOf: credentials.callerOf });
const host = "127.0.0.1:40000";

for (const [name, bytes, rounds] of [
  ["1 KB", 1_000, 20_000],
  ["100 KB", 100_000, 3_000],
] as const) {
  const body = randomBytes(bytes);
  const signer = new SignatureV4({
    service: "sqs",
    region: "us-east-1",
    credentials: credentials.of("r"),
    sha256: Sha256,
  });
  const { headers } = await signer.sign({
    method: "POST",
    protocol: "http:",
    hostname: host,
    path: "/",
    headers: {
      host,
      "content-length": String(bytes),
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "AmazonSQS.SendMessage",
    },
    body,
  });
  const call = {
    service: "sqs",
    region: "us-east-1",
    method: "POST",
    url: "/",
    headers: { ...headers, connection: "keep-alive" },
    body,
  };
  for (const measured of [false, true]) {
    const before = process.cpuUsage();
    for (let i = 0; i < rounds; i += 1) await verify(call, readClaim(call));
    const { user, system } = process.cpuUsage(before);
    if (measured) console.log(`signature of a call with ${name}: ${((user + system) / rounds).toFixed(1)} us of CPU`);
  }
}
