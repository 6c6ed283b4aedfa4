import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { newKeyRing, openVault, type Place, sealedBy } from "../../../runtime/domain/webhook/vault.ts";

const ring = newKeyRing();
const vault = openVault(JSON.stringify(ring));
const word = fc.string({ minLength: 1, maxLength: 12 });
const place = fc.tuple(word, word, word) as fc.Arbitrary<Place>;

test("a text that is sealed for a place opens there, does not show, and is never sealed alike twice", () =>
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 4 }), place, (text, at) => {
      const sealed = vault.seal(text, at);
      assert.equal(vault.open(sealed, at), Buffer.from(text).toString("utf8"));
      assert.ok(sealedBy(sealed) === vault.current && !sealed.includes(text));
      assert.notEqual(vault.seal(text, at), sealed);
    }),
  ));

test("a text does not open in another place, customer or key ring, nor after any bit of it was changed", () =>
  fc.assert(
    fc.property(fc.string(), place, place, fc.nat(), (text, at, other, bit) => {
      const sealed = vault.seal(text, at);
      if (JSON.stringify(at) !== JSON.stringify(other)) assert.throws(() => vault.open(sealed, other));
      assert.throws(() => openVault(JSON.stringify(newKeyRing())).open(sealed, at));
      const [name, version, packed] = sealed.split(":") as [string, string, string];
      const bytes = Buffer.from(packed, "base64url");
      bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
      assert.throws(() => vault.open(`${name}:${version}:${bytes.toString("base64url")}`, at));
    }),
  ));

test("a new key seals new values, and the old key still opens its own", () => {
  const at: Place = ["cus", "sub", "signing_secret"];
  const sealed = vault.seal("whsec_x", at);
  const rotated = openVault(JSON.stringify({ current: "2", keys: { ...ring.keys, "2": newKeyRing().keys["1"] } }));
  assert.equal(rotated.open(sealed, at), "whsec_x");
  assert.match(rotated.seal("whsec_x", at), /^sealed:2:/);
});

test("a value stored in clear text is read as it is", () =>
  assert.equal(vault.open("whsec_c2VjcmV0", ["cus", "sub", "signing_secret"]), "whsec_c2VjcmV0"));

test("a ring without its current key is refused", () =>
  assert.throws(() => openVault('{"current":"2","keys":{}}'), { message: 'the key ring has no key "2"' }));

test.run();
