import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import { maskAnswer } from "../../../runtime/api/masks.ts";
import { defaultMasking, type Masking, maskText, maskUrl } from "../../../runtime/domain/people/masking.ts";
import type { Person } from "../../../runtime/domain/people/person.ts";
import type { Role } from "../../../runtime/domain/people/roles.ts";

const person = (role: Role, more: Partial<Person> = {}): Person => ({
  person_id: "psn_1",
  name: "Ada",
  role,
  signed_in_at: 0,
  ...more,
});
const none: Masking = { paths: [], detect: [] };

const texts: [says: string, text: string, masked: string][] = [
  ["a card's number keeps its last four", "4111 1111 1111 1111", "***1111"],
  ["a number that fails Luhn's check is no card's", "4111 1111 1111 1112", "4111 1111 1111 1112"],
  ["a longer number is no card's", "41111111111111114111111111111111", "41111111111111114111111111111111"],
  ["an address keeps its host", "to ada.l@mail.example.com now", "to ***@mail.example.com now"],
  ["a phone number in the international form keeps its last four", "call +49 30 1234567", "call ***4567"],
  ["a signing secret is a token", "whsec_abcdefghijklmnop1234", "whse***"],
  ["a JWT is a token", `Bearer eyJhbGciOiJIUzI1NiJ9.${"c".repeat(20)}.${"s".repeat(20)}!`, "Bearer eyJh***!"],
  ["a JWT without a signature is a token", `eyJhbGciOiJub25lIn0.${"c".repeat(20)}.`, "eyJh***"],
  ["behind what begins like a JWT, a token is still one", "eyJabcdefgh-sk_live_1234567890ab", "eyJabcdefgh-sk_l***"],
  [
    "of a JWT behind another's beginning nothing is left",
    `eyJabcdefgh.${"eyJ".repeat(4)}.${"c".repeat(9)}.s`,
    "eyJa***.s",
  ],
  ["words stay", "order created", "order created"],
];
for (const [says, text, masked] of texts)
  test(says, () => assert.equal(maskText(text, ["card", "email", "phone", "token"]), masked));

/** Texts of a million letters that look like the beginning of something again and again. */
const hostile: [says: string, piece: string][] = [
  ["a JWT", "-eyJabcdefgh"],
  ["segments of JWTs", "eyJabcdefgh."],
  ["a long segment of a JWT", `eyJabcdefgh.${"-eyJabcd".repeat(2_000)}`],
  ["a secret", "sk-"],
  ["a card's number", "1-"],
  ["an address", `${"a".repeat(64)}@${"1.".repeat(126)}`],
  ["a phone number", `+${"1()".repeat(20)}`],
];
for (const [says, piece] of hostile)
  test(`a long text of nothing but beginnings of ${says} is searched quickly`, () => {
    const text = piece.repeat(Math.ceil(1_000_000 / piece.length));
    assert.ok(maskText(text, ["card", "email", "phone", "token"]).length > 0);
  });

const urls: [url: string, masked: string][] = [
  ["https://example.com/hooks/secret1234", "https://example.com/…1234"],
  ["https://example.com/?token=abcd", "https://example.com/…abcd"],
  ["https://example.com/", "https://example.com/"],
  ["https://example.com:8443/x", "https://example.com:8443/…/x"],
];
for (const [url, masked] of urls) test(`${url} is shown as ${masked}`, () => assert.equal(maskUrl(url), masked));

const event = (payload: string): string => `{"event_id":"evt_1","payload":${payload},"status":"pending"}`;
const shownTo = (role: Role, text: string, masking: Masking = none, more: Partial<Person> = {}) =>
  maskAnswer(text, masking, person(role, more));

test("events with a shown payload are recorded as seen, others are not", () => {
  assert.deepEqual(shownTo("owner", event('{"a":1}')), { text: event('{"a":1}'), shown: ["evt_1"] });
  assert.deepEqual(shownTo("owner", event('{"a":1}'), none, { without_payloads: true }), {
    text: '{"event_id":"evt_1","status":"pending"}',
    shown: [],
  });
  assert.deepEqual(shownTo("auditor", event('{"a":[1,"x",null]}')), {
    text: event('{"a":["***","***",null]}'),
    shown: [],
  });
});

test("a path hides the values that it selects, and the clause that names them", () => {
  const masking: Masking = { paths: ["$.lines[*].price"], detect: [] };
  assert.equal(
    shownTo("developer", event('{"lines":[{"price":1,"qty":2},{"price":3}]}'), masking).text,
    event('{"lines":[{"price":"***","qty":2},{"price":"***"}]}'),
  );
  const { text } = shownTo("developer", '{"because":"card 4111 is not 5","clause":"$.card == 5"}', {
    paths: ["$.card"],
    detect: [],
  });
  assert.equal(text, '{"because":"*** (it names what is masked)","clause":"*** (it names what is masked)"}');
});

test("members of a list of many thousands are hidden without delay", () => {
  const lines = Array.from({ length: 60_000 }, (_, n) => `{"p":${n}}`).join(",");
  const masking: Masking = { paths: ["$.lines[*].p", "$.lines[-1]", "$['__proto__']"], detect: [] };
  const { text } = shownTo("owner", event(`{"lines":[${lines}],"__proto__":1}`), masking);
  const { payload } = JSON.parse(text) as { payload: { lines: unknown[] } };
  assert.deepEqual(payload.lines.slice(0, 2), [{ p: "***" }, { p: "***" }]);
  assert.equal(payload.lines.at(-1), "***");
  assert.equal(text.includes('"__proto__":"***"'), true);
});

test("a number that is a card's is masked where cards are", () =>
  assert.equal(shownTo("owner", event('{"card":4111111111111111}'), defaultMasking).text, event('{"card":"***1111"}')));

test("URLs of webhooks are masked everywhere, and the body of a post like its events", () => {
  assert.equal(
    shownTo("owner", '{"audit":[{"details":{"webhook_url":"https://a.example/secret"}}]}').text,
    '{"audit":[{"details":{"webhook_url":"https://a.example/…cret"}}]}',
  );
  const body = JSON.stringify([{ event_id: "evt_1", payload: { card: "x" } }]);
  const { text } = shownTo("owner", JSON.stringify({ request: { headers: {}, body } }), {
    paths: ["$.card"],
    detect: [],
  });
  assert.deepEqual(JSON.parse((JSON.parse(text) as { request: { body: string } }).request.body), [
    { event_id: "evt_1", payload: { card: "***" } },
  ]);
});

test("a role without payloads sees no value of any payload, and other roles see every digit", () => {
  const scalar = fc.oneof(fc.stringMatching(/^secret[a-z]{0,8}$/), fc.integer({ min: 100 }), fc.constant(null));
  const { payload } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: "small" }, scalar, fc.array(tie("value"), { maxLength: 4 }), tie("payload")),
    payload: fc.dictionary(fc.stringMatching(/^[b-df-hj-np-rt-z]{1,5}$/), tie("value"), { maxKeys: 5 }),
  }));
  fc.assert(
    fc.property(payload, (value) => {
      const text = event(JSON.stringify(value));
      assert.equal(shownTo("owner", text).text, text);
      const { text: hidden, shown } = shownTo("business", text);
      assert.deepEqual(shown, []);
      assert.equal(/secret|\d{3}/.test(hidden.replace("evt_1", "")), false);
    }),
  );
});

test("numbers that no double holds keep their digits", () => {
  const text = event('{"n":12345678901234567890.10,"e":1E400}');
  assert.equal(shownTo("owner", text, defaultMasking).text, text);
});

test.run();
