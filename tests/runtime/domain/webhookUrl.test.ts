import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "uvu";
import {
  canonicalUrl,
  checkWebhookUrl,
  forbiddenAddress,
  headerFault,
  urlRulesOf,
} from "../../../runtime/domain/webhook/webhookUrl.ts";
import { hostileUrls } from "./hostileUrls.ts";

const deployed = { allowLoopback: false };
const local = { allowLoopback: true };

test("the table holds at least 120 hostile URLs, each once", () => {
  assert.ok(hostileUrls.length >= 120);
  assert.equal(new Set(hostileUrls).size, hostileUrls.length);
});

test("every hostile URL is refused", () =>
  assert.deepEqual(
    hostileUrls.filter((url) => checkWebhookUrl(url, deployed).ok),
    [],
  ));

const fine = [
  "https://example.com/",
  "https://hooks.zapier.com/hooks/catch/1/abc?x=1",
  "https://example.com:8443/in",
  "https://EXAMPLE.com./",
  "https://8.8.8.8/",
  "https://[2606:4700:4700::1111]/",
  "https://xn--bcher-kva.com/",
  "https://bücher.com/straße",
  "https://example.com/@user",
  "https://example.com/?next=http://169.254.169.254/",
  "https://localhost.example.com/",
  "https://internal.example.com/",
];
for (const url of fine) test(`${url} may be a webhook`, () => assert.equal(checkWebhookUrl(url, deployed).ok, true));

const refusals: [url: string, reason: string, message: string][] = [
  [
    "https://example.com\\x/",
    "character",
    "The webhook URL holds a space, a control character or a backslash, which no URL does.",
  ],
  ["nonsense", "not_a_url", "The webhook URL is not an absolute URL."],
  ["http://example.com/", "scheme", "The webhook URL must begin with https://."],
  ["https://u@example.com/", "userinfo", "The webhook URL must not contain a user name or password."],
  ["https://example.com:22/", "port", "The webhook URL must not use port 22."],
  ["https://db.internal/", "host", 'The webhook URL\'s host "db.internal" is not a public name.'],
  ["https://0x7f.1/", "address", "The webhook URL's address 127.0.0.1 is not public (loopback)."],
  [`https://example.com/${"x".repeat(2_048)}`, "too_long", "The webhook URL is longer than 2048 characters."],
];
for (const [url, reason, message] of refusals) {
  test(`${url.slice(0, 40)} is refused for its ${reason}`, () =>
    assert.deepEqual(checkWebhookUrl(url, deployed), { ok: false, reason, message }));
}

const spellings: [canonical: string, spellings: string[]][] = [
  [
    "https://example.com/x",
    [
      ...["https://example.com/x#f", "https://example.com/x?", "https://example.com/x?#", "https://example.com./x"],
      ...[
        "HTTPS://EXAMPLE.com:443/x",
        "https://example.com/./y/../x",
        "https://example.com/%78",
        "https:example.com/x",
      ],
      ...["https://ex%61mple.com/x", "https://ｅxample。com/x", "https://example.com.:443/x?#f"],
    ],
  ],
  ["https://example.com/?a=%2F~", ["https://example.com?a=%2f%7e", "https://example.com/?a=%2F~#"]],
  ["https://xn--bcher-kva.com/%C3%A9", ["https://bücher.com/é", "https://BÜCHER.com./%c3%a9"]],
  ["https://8.8.8.8/", ["https://8.8.8.8.", "https://134744072/", "https://0x8.8.8.8"]],
];
for (const [canonical, list] of spellings) {
  for (const text of list) test(`${text} is ${canonical}`, () => assert.equal(canonicalUrl(text), canonical));
}

test("different endpoints stay different", () => {
  const urls = ["/x", "/x/", "/X", "/x?a", "/x?a=", "/x?b", "/%2Fx", "//x", "/x%23", "/x%3F", "/x;a"];
  const all = urls.map((path) => canonicalUrl(`https://example.com${path}`));
  assert.equal(new Set(all).size, urls.length);
});

test("a canonical URL is its own canonical form, and is allowed exactly when the original is", () =>
  fc.assert(
    fc.property(
      fc.oneof(
        fc.webUrl({ withFragments: true, withQueryParameters: true }),
        fc.string().map((text) => `https://example.com/${text}`),
        fc.stringMatching(/^https:\/\/[a-c.]{1,5}(:443)?(\/([a-c.~]|%[0-9a-f]{2})*)?(\?[a%7e]*)?(#[a]*)?$/),
      ),
      (text) => {
        const canonical = canonicalUrl(text);
        assert.equal(canonicalUrl(canonical), canonical);
        for (const rules of [deployed, local]) {
          const [before, after] = [checkWebhookUrl(text, rules), checkWebhookUrl(canonical, rules)];
          assert.equal(before.ok, after.ok);
        }
      },
    ),
  ));

test("reserved host names are refused as webhooks, except loopback names on the local platform", () => {
  for (const host of ["x.test", "x.example", "x.invalid", "example", "test.", "localhost", "a.localhost", "X.Example."])
    assert.equal(checkWebhookUrl(`https://${host}/`, deployed).ok, false, host);
  for (const host of ["localhost", "a.localhost", "localhost."])
    assert.equal(checkWebhookUrl(`http://${host}/`, local).ok, true, host);
});

test("only the local platform allows loopback, by http too, and never the runtime's port", () => {
  for (const url of ["http://127.0.0.1:4000/", "http://localhost:4000/", "https://[::1]:4000/", "http://127.0.0.1/"]) {
    assert.equal(checkWebhookUrl(url, deployed).ok, false);
    assert.equal(checkWebhookUrl(url, local).ok, true);
  }
  for (const url of ["http://127.0.0.1:9001/", "http://10.0.0.1/", "http://example.com/", "https://169.254.169.254/"])
    assert.equal(checkWebhookUrl(url, local).ok, false);
});

test("no spelling of loopback leads to a port on which the platform itself listens", () => {
  const rules = { allowLoopback: true, ownPorts: new Set([443, 4_000, 5_432, 80]) };
  const host = fc.constantFrom(
    ..."127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 127.255.0.9 [::1] [::ffff:127.0.0.1] [0:0:0:0:0:0:0:1]".split(
      " ",
    ),
    ..."localhost localhost. a.localhost LOCALHOST".split(" "),
  );
  fc.assert(
    fc.property(
      host,
      fc.constantFrom("http", "https"),
      fc.constantFrom(":4000", ":04000", ":5432", ""),
      (name, scheme, port) => {
        assert.equal(checkWebhookUrl(`${scheme}://${name}${port}/events`, rules).ok, false);
        // Another program's port is the customer's business.
        assert.equal(checkWebhookUrl(`${scheme}://${name}:4001/events`, rules).ok, true);
      },
    ),
  );
});

test("the platform's own hosts are refused as webhooks, in every spelling", () => {
  const rules = urlRulesOf({ OWN_HOSTS: "Hooks.example.com,d111.cloudfront.net" });
  for (const url of [
    "https://hooks.example.com/events",
    "https://HOOKS.example.com.:443/",
    "https://d111.cloudfront.net/",
  ])
    assert.equal(checkWebhookUrl(url, rules).ok, false, url);
  for (const url of ["https://my.hooks.example.com/", "https://d222.cloudfront.net/"])
    assert.equal(checkWebhookUrl(url, rules).ok, true, url);
});

test("no IPv4 address of a special range passes, in any IPv6 form", () => {
  const special = fc.oneof(
    fc.tuple(fc.constantFrom(0, 10, 127, 224, 239, 240, 255), fc.nat(255), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(169), fc.constant(254), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(192), fc.constant(168), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), fc.nat(255), fc.nat(255)),
    fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), fc.nat(255), fc.nat(255)),
  );
  fc.assert(
    fc.property(special, (octets) => {
      const dotted = octets.join(".");
      const [a, b, c, d] = octets.map((n) => n.toString(16).padStart(2, "0"));
      const hex = `${a}${b}:${c}${d}`;
      const whole = octets.reduce((sum, octet) => sum * 256 + octet, 0);
      const wrapped = [dotted, `[::ffff:${hex}]`, `[::${hex}]`, `[64:ff9b::${hex}]`, `[2002:${hex}::1]`, String(whole)];
      for (const host of wrapped) assert.equal(checkWebhookUrl(`https://${host}/`, deployed).ok, false, host);
      assert.notEqual(forbiddenAddress(`::ffff:${dotted}`, deployed), undefined);
    }),
  );
});

test("an address outside 2000::/3 is never public, and text is no address", () => {
  assert.equal(forbiddenAddress("4000::1", deployed), "reserved");
  assert.equal(forbiddenAddress("example.com", deployed), "invalid");
  assert.equal(forbiddenAddress("", deployed), "invalid");
  assert.equal(forbiddenAddress("93.184.215.14", deployed), undefined);
});

const headers: [name: string, value: string, fault: string | undefined][] = [
  ["Authorization", "Bearer x", undefined],
  ["X-Own", "a b", undefined],
  ["Host", "x", 'The header "Host" is reserved.'],
  ["Content-Length", "1", 'The header "Content-Length" is reserved.'],
  ["webhook-id", "x", 'The header "webhook-id" is reserved.'],
  ["Triggers-Attempt", "1", 'The header "Triggers-Attempt" is reserved.'],
  ["Transfer-Encoding", "chunked", 'The header "Transfer-Encoding" is reserved.'],
  ["a b", "x", '"a b" is not a header name.'],
  ["", "x", '"" is not a header name.'],
  ["X-Own", "a\r\nb: c", 'The value of the header "X-Own" can\'t be sent.'],
  ["X-Own", "", 'The value of the header "X-Own" can\'t be sent.'],
  ["X-Own", "é", 'The value of the header "X-Own" can\'t be sent.'],
];
for (const [name, value, fault] of headers)
  test(`header ${JSON.stringify(name)}: ${JSON.stringify(value)} is ${fault === undefined ? "allowed" : "refused"}`, () =>
    assert.equal(headerFault(name, value), fault));

test.run();
