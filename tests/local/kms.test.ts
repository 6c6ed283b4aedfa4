import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import { createKms } from "../../local/kms.ts";
import type { LocalService } from "../../local/service.ts";
import { contextIn, jsonCall } from "./serve.ts";

const test = suite("KMS");
const state = mkdtempSync(join(tmpdir(), "kms-"));
const context = contextIn(state);
let kms: LocalService;
let keyId: string;
let arn: string;

const createKey = async (of: LocalService, name: string) =>
  (await of.resources["aws:kms/key:Key"]!({ type: "aws:kms/key:Key", name, inputs: {} })).state as {
    keyId: string;
    arn: string;
  };
const request = (action: string, args: object) => jsonCall("kms", `TrentService.${action}`, args);
const call = async (action: string, args: object) => {
  const answer = await kms.api!.call(request(action, args));
  return {
    code: answer.status,
    ...(JSON.parse(String(answer.body)) as Partial<
      Record<"Plaintext" | "CiphertextBlob" | "KeyId" | "__type" | "message", string>
    >),
  };
};
const plain = (text: string) => Buffer.from(text).toString("base64");

test.before(async () => {
  kms = await createKms(context);
  ({ keyId, arn } = await createKey(kms, "archive"));
  await kms.resources["aws:kms/alias:Alias"]!({
    type: "aws:kms/alias:Alias",
    name: "archive",
    inputs: { name: "alias/archive", targetKeyId: keyId },
  });
});
test.after(() => rmSync(state, { recursive: true, force: true }));

test("a text encrypted by a key's id, ARN or alias is decrypted without naming the key", async () => {
  for (const id of [keyId, arn, "alias/archive", "arn:aws:kms:us-east-1:000000000000:alias/archive"]) {
    const { CiphertextBlob } = await call("Encrypt", { KeyId: id, Plaintext: plain("text") });
    const opened = await call("Decrypt", { CiphertextBlob });
    assert.deepEqual([opened.Plaintext, opened.KeyId], [plain("text"), arn]);
  }
});

test("the encryption context must be the same, in any order", async () => {
  const { CiphertextBlob } = await call("Encrypt", {
    KeyId: keyId,
    Plaintext: plain("text"),
    EncryptionContext: { a: "1", b: "2" },
  });
  assert.equal(
    (await call("Decrypt", { CiphertextBlob, EncryptionContext: { b: "2", a: "1" } })).Plaintext,
    plain("text"),
  );
  for (const EncryptionContext of [undefined, { a: "1" }, { a: "1", b: "3" }]) {
    const refused = await call("Decrypt", { CiphertextBlob, EncryptionContext });
    assert.deepEqual([refused.code, refused.__type], [400, "InvalidCiphertextException"]);
  }
});

test("a replica has its primary's id and material in its own region", async () => {
  const make = async (type: "key" | "replicaKey", inputs: object) => {
    const name = `aws:kms/${type}:${type === "key" ? "Key" : "ReplicaKey"}`;
    return (await kms.resources[name]!({ type: name, name: `shared-${type}`, inputs: { ...inputs } })).state;
  };
  const primary = await make("key", { multiRegion: true });
  const replica = await make("replicaKey", { primaryKeyArn: primary.arn, region: "eu-west-1" });
  assert.match(String(primary.keyId), /^mrk-/);
  assert.equal(replica.arn, String(primary.arn).replace("us-east-1", "eu-west-1"));
  const { CiphertextBlob } = await call("Encrypt", { KeyId: primary.arn, Plaintext: plain("text") });
  assert.deepEqual(await call("Decrypt", { CiphertextBlob, KeyId: replica.arn }), {
    ...{ code: 200, Plaintext: plain("text"), KeyId: primary.arn, EncryptionAlgorithm: "SYMMETRIC_DEFAULT" },
  });
});

test("a data key comes in plain and sealed, or sealed alone", async () => {
  const both = await call("GenerateDataKey", { KeyId: keyId, KeySpec: "AES_256" });
  assert.equal(Buffer.from(both.Plaintext!, "base64").length, 32);
  assert.equal((await call("Decrypt", { CiphertextBlob: both.CiphertextBlob })).Plaintext, both.Plaintext);
  assert.equal(
    (await call("GenerateDataKeyWithoutPlaintext", { KeyId: keyId, NumberOfBytes: 16 })).Plaintext,
    undefined,
  );
});

test("a changed ciphertext and an unknown key are refused", async () => {
  const { CiphertextBlob } = await call("Encrypt", { KeyId: keyId, Plaintext: plain("text") });
  const bytes = Buffer.from(CiphertextBlob!, "base64");
  bytes[bytes.length - 1]! ^= 1;
  assert.equal(
    (await call("Decrypt", { CiphertextBlob: bytes.toString("base64") })).__type,
    "InvalidCiphertextException",
  );
  assert.deepEqual(
    await call("Encrypt", { KeyId: "alias/none", Plaintext: plain("x") }).then(({ __type, message }) => [
      __type,
      message,
    ]),
    ["NotFoundException", "Alias alias/none is not found."],
  );
});

test("keys keep their ids and material over a restart", async () => {
  const { CiphertextBlob } = await call("Encrypt", { KeyId: keyId, Plaintext: plain("text") });
  const again = await createKms(context);
  assert.equal((await createKey(again, "archive")).keyId, keyId);
  const answer = await again.api!.call(request("Decrypt", { CiphertextBlob }));
  assert.equal((JSON.parse(String(answer.body)) as { Plaintext: string }).Plaintext, plain("text"));
});

test("decrypting needs the permission on the key that sealed, and other calls have no permission at all", () => {
  assert.deepEqual(kms.api!.authorizations(request("Encrypt", { KeyId: "alias/archive", Plaintext: "" })), [
    { action: "kms:Encrypt", resources: [arn] },
  ]);
  assert.throws(() => kms.api!.authorizations(request("CreateKey", {})), {
    message: "The local platform does not answer kms:CreateKey.",
  });
});

const refusalOf = ({ code, __type }: { code: number; __type?: string | undefined }) => [
  code,
  __type?.split("#").at(-1),
];

test("a member of another type than KMS takes is refused, as is a data key of a length that there is not", async () => {
  const odd = { toString: "x" };
  for (const [action, args] of [
    ["Decrypt", { CiphertextBlob: odd }],
    ["Encrypt", { KeyId: keyId, Plaintext: odd }],
    ["GenerateDataKey", { KeyId: odd }],
  ] as const)
    assert.deepEqual(refusalOf(await call(action, args)), [400, "SerializationException"]);
  for (const NumberOfBytes of [0, -1, 1.5, 1_025, 1e15, "many"])
    assert.deepEqual(refusalOf(await call("GenerateDataKey", { KeyId: keyId, NumberOfBytes })), [
      400,
      "ValidationException",
    ]);
});

test.run();
