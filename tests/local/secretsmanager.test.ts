import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { suite } from "uvu";
import { createSecretsManager } from "../../local/secretsmanager.ts";
import type { LocalService } from "../../local/service.ts";
import { clientOf, contextIn, jsonCall, type Served, serve } from "./serve.ts";

const test = suite("Secrets Manager");
let served: Served;
let service: LocalService;
let client: SecretsManagerClient;
let abroad: SecretsManagerClient;
test.before(async () => {
  served = await serve(async (context) => {
    service = await createSecretsManager(context);
    return [service];
  });
  client = new SecretsManagerClient({ ...clientOf(served.endpoint), maxAttempts: 1 });
  abroad = new SecretsManagerClient({ ...clientOf(served.endpoint), region: "eu-west-1", maxAttempts: 1 });
});
test.after(async () => {
  client.destroy();
  abroad.destroy();
  await served.close();
});

const declare = async (name: string, inputs = {}, of = service): Promise<string> =>
  (await of.resources["aws:secretsmanager/secret:Secret"]!({ type: "aws:secretsmanager/secret:Secret", name, inputs }))
    .id;
const get = (SecretId: string, more = {}) => client.send(new GetSecretValueCommand({ SecretId, ...more }));
const put = (SecretId: string, SecretString: string, more = {}) =>
  client.send(new PutSecretValueCommand({ SecretId, SecretString, ...more }));

test("a secret has AWS's ARN, and is found by name, ARN and ARN without suffix", async () => {
  const arn = await declare("pepper");
  assert.match(arn, /^arn:aws:secretsmanager:us-east-1:000000000000:secret:pepper-[A-Za-z0-9]{6}$/);
  await put(arn, "v1");
  for (const id of ["pepper", arn, arn.slice(0, -7)]) assert.equal((await get(id)).SecretString, "v1");
});

test("the ARN stays over a restart, and so does the value", async () => {
  const state = mkdtempSync(join(tmpdir(), "secrets-"));
  const context = contextIn(state);
  const first = await createSecretsManager(context);
  const arn = await declare("kept", {}, first);
  const call = (of: LocalService, action: string, args: object) =>
    of.api!.call(jsonCall("secretsmanager", `secretsmanager.${action}`, args));
  await call(first, "PutSecretValue", { SecretId: "kept", SecretString: "v" });
  const second = await createSecretsManager(context);
  assert.equal(await declare("kept", {}, second), arn);
  assert.equal(
    (JSON.parse(String((await call(second, "GetSecretValue", { SecretId: "kept" })).body)) as { SecretString: string })
      .SecretString,
    "v",
  );
});

test("a new value becomes current and the one before previous; older ones go", async () => {
  const id = await declare("rotated");
  const first = await put(id, "v1");
  await put(id, "v2");
  assert.deepEqual(
    [(await get(id)).SecretString, (await get(id, { VersionStage: "AWSPREVIOUS" })).SecretString],
    ["v2", "v1"],
  );
  await put(id, "v3");
  assert.equal((await get(id, { VersionStage: "AWSPREVIOUS" })).SecretString, "v2");
  await assert.rejects(get(id, { VersionId: first.VersionId }), { name: "ResourceNotFoundException" });
});

test("a pending value is not current until its stage is moved", async () => {
  const id = await declare("pending");
  const old = await put(id, "old");
  const next = await put(id, "next", { VersionStages: ["AWSPENDING"] });
  assert.equal((await get(id)).SecretString, "old");
  const move = (RemoveFromVersionId?: string) =>
    client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: id,
        VersionStage: "AWSCURRENT",
        MoveToVersionId: next.VersionId,
        RemoveFromVersionId,
      }),
    );
  await assert.rejects(move(), { name: "InvalidParameterException" });
  await move(old.VersionId);
  assert.deepEqual(
    [(await get(id)).SecretString, (await get(id, { VersionStage: "AWSPREVIOUS" })).SecretString],
    ["next", "old"],
  );
});

test("a request token makes a repeat harmless, and another value under it an error", async () => {
  const id = await declare("repeated");
  const token = { ClientRequestToken: "0123456789-0123456789-0123456789" };
  await put(id, "v", token);
  assert.equal((await put(id, "v", token)).VersionId, token.ClientRequestToken);
  await assert.rejects(put(id, "w", token), { name: "ResourceExistsException" });
});

test("a missing secret and a secret without a value each have an error of their own", async () => {
  await assert.rejects(get("nowhere"), {
    name: "ResourceNotFoundException",
    message: "Secrets Manager can't find the specified secret.",
  });
  const id = await declare("empty");
  await assert.rejects(get(id), {
    name: "ResourceNotFoundException",
    message: "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
  });
});

test("a replica reads what the primary holds, and can't be written", async () => {
  const arn = await declare("shared", {
    replicas: [{ region: "eu-west-1", kmsKeyId: "arn:aws:kms:eu-west-1:000000000000:key/k" }],
  });
  await put(arn, "v");
  const there = arn.replace("us-east-1", "eu-west-1");
  assert.equal((await abroad.send(new GetSecretValueCommand({ SecretId: there }))).SecretString, "v");
  await assert.rejects(abroad.send(new PutSecretValueCommand({ SecretId: "shared", SecretString: "w" })), {
    name: "InvalidRequestException",
  });
  await assert.rejects(abroad.send(new GetSecretValueCommand({ SecretId: "pepper" })), {
    name: "ResourceNotFoundException",
  });
  assert.deepEqual((await client.send(new DescribeSecretCommand({ SecretId: arn }))).ReplicationStatus, [
    { Region: "eu-west-1", Status: "InSync" },
  ]);
});

test("a declared value is set once, and what functions put later stays", async () => {
  const id = await declare("declared");
  const version = () =>
    service.resources["aws:secretsmanager/secretVersion:SecretVersion"]!({
      type: "aws:secretsmanager/secretVersion:SecretVersion",
      name: "declared",
      inputs: { secretId: id, secretString: "declared" },
    });
  await version();
  assert.equal((await get(id)).SecretString, "declared");
  await put(id, "rotated");
  await version();
  assert.equal((await get(id)).SecretString, "rotated");
});

test("a value over 64 KiB, or none, is refused", async () => {
  const id = await declare("large");
  await put(id, "x".repeat(65_536));
  await assert.rejects(put(id, "x".repeat(65_537)), { name: "InvalidParameterException" });
  await assert.rejects(client.send(new PutSecretValueCommand({ SecretId: id })), { name: "InvalidParameterException" });
});

test("reading needs GetSecretValue and the customer's key", async () => {
  const key = "arn:aws:kms:us-east-1:000000000000:key/k";
  const arn = await declare("sealed", { kmsKeyId: key });
  const asked = service.api!.authorizations(
    jsonCall("secretsmanager", "secretsmanager.GetSecretValue", { SecretId: "sealed" }),
  );
  assert.deepEqual(asked, [
    { action: "secretsmanager:GetSecretValue", resources: [arn] },
    {
      action: "kms:Decrypt",
      resources: [key],
      context: { "kms:viaservice": "secretsmanager.us-east-1.amazonaws.com" },
    },
  ]);
});

test.run();
