import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import MailComposer from "nodemailer/lib/mail-composer/index.js";
import { Webhook } from "standardwebhooks";
import { suite } from "uvu";
import { type OutboxMessage, type OutboxServer, startOutbox } from "../../local/outbox.ts";
import { statusFor } from "../support/statusFor.ts";

const test = suite("outbox");

let folder: string;
let outbox: OutboxServer;
let clock = Date.parse("2026-11-25T10:00:00Z");
const start = async () => {
  outbox = await startOutbox(folder, 0, () => clock);
};
test.before.each(async () => {
  folder = mkdtempSync(join(tmpdir(), "outbox-"));
  await start();
});
test.after.each(async () => {
  await outbox.close();
  rmSync(folder, { recursive: true });
});

const listed = async () =>
  ((await (await fetch(`${outbox.url}/messages`)).json()) as { messages: OutboxMessage[] }).messages;
const HOOK = "/slack/services/T000/B000/abcd";
const slack = async (body: string, path = HOOK, type = "application/json") => {
  const answer = await fetch(outbox.url + path, { method: "POST", body, headers: { "content-type": type } });
  return [answer.status, await answer.text()] as const;
};

test("a mail is a file that holds what would have been sent, byte for byte, and is listed once for each recipient", async () => {
  const mime = await new MailComposer({
    ...{
      from: "alerts@triggers.test",
      to: "ada@example.com",
      subject: "Grüße",
      text: "It rings.",
      html: "<b>It rings.</b>",
    },
    attachments: [{ filename: "week.csv", content: "a,b" }],
  })
    .compile()
    .build();
  await outbox.mail(["ada@example.com", "bob@example.com"], mime);
  const mail = {
    at: "2026-11-25T10:00:00.000Z",
    channel: "email",
    subject: "Grüße",
    text: "It rings.\n",
    attachments: ["week.csv"],
  };
  assert.deepEqual(await listed(), [
    { ...mail, to: "ada@example.com", file: "1.eml" },
    { ...mail, to: "bob@example.com", file: "2.eml" },
  ]);
  const file = await fetch(`${outbox.url}/messages/1.eml`);
  assert.equal(file.headers.get("content-type"), "message/rfc822");
  assert.deepEqual(Buffer.from(await file.arrayBuffer()), mime);
  assert.equal((await fetch(`${outbox.url}/messages/3.eml`)).status, 404);
  const accept = "text/html,application/xhtml+xml,*/*;q=0.8";
  for (const path of ["/", "/messages"]) {
    const page = await (await fetch(outbox.url + path, { headers: { accept } })).text();
    assert.ok(page.includes("Grüße") && page.includes('href="/messages/2.eml"'), page);
  }
});

test("messages are listed in the order in which they left, stay over a restart, and can be emptied", async () => {
  outbox.sms("+447700900123", "first");
  assert.deepEqual(await slack('{"text":"second &lt;b&gt; &amp;amp;"}'), [200, "ok"]);
  await outbox.close();
  await start();
  clock += 1_000;
  outbox.sms("+447700900123", "third");
  assert.deepEqual(
    (await listed()).map(({ channel, to, text }) => [channel, to, text]),
    [
      ["sms", "+447700900123", "first"],
      ["slack", "https://hooks.slack.com/services/T000/B000/abcd", "second <b> &amp;"],
      ["sms", "+447700900123", "third"],
    ],
  );
  assert.equal((await fetch(`${outbox.url}/messages`, { method: "DELETE" })).status, 204);
  assert.deepEqual(await listed(), []);
});

test("the newest thousand messages are kept", async () => {
  for (let n = 1; n <= 1_002; n += 1) outbox.sms("+447700900123", String(n));
  const messages = await listed();
  assert.deepEqual([messages.length, messages[0]!.text, messages.at(-1)!.text], [1_000, "3", "1002"]);
});

/** Source: api.slack.com, "Handling errors", of incoming webhooks. */
const refused: [says: string, answer: readonly [number, string], ...Parameters<typeof slack>][] = [
  ["a URL of no webhook", [404, "no_service"], '{"text":"a"}', "/slack/elsewhere"],
  ["a URL that was cut", [404, "no_service"], '{"text":"a"}', "/slack/services/"],
  ["a URL without a secret", [404, "no_service"], '{"text":"a"}', "/slack/services/T000"],
  ["a URL of no team", [404, "no_team"], '{"text":"a"}', "/slack/services/000/B000/abcd"],
  ["text that is no JSON", [400, "invalid_payload"], "text=a"],
  ["a form", [400, "invalid_payload"], '{"text":"a"}', HOOK, "application/x-www-form-urlencoded"],
  ["a text that is no text", [400, "invalid_payload"], '{"text":1}'],
  ["nothing to say", [400, "no_text"], '{"channel":"#a"}'],
];
for (const [says, answer, ...post] of refused)
  test(`as Slack does, it refuses ${says}`, async () => {
    assert.deepEqual(await slack(...post), answer);
    assert.deepEqual(await listed(), []);
  });

test("a whole URL of an incoming webhook is taken, of a workspace and of an organisation", async () => {
  for (const path of [
    "/slack/services/T000/B000/abcd",
    "/slack/services/T000/B000/abce",
    "/slack/triggers/E000/1/abcd",
  ])
    assert.deepEqual(await slack('{"text":"a"}', path), [200, "ok"], path);
  assert.equal((await listed()).length, 3);
});

test("a post to a signed webhook is listed with what verifying it came to, and refused where the signature is wrong", async () => {
  const url = () => `${outbox.url}/webhooks/ops`;
  const first = url();
  const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
  const signedBy = (key: string, body: string, at = new Date()) => ({
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Webhook(key).sign("msg_1", at, body),
  });
  const post = async (body: string, headers: Record<string, string>) => {
    const answer = await fetch(url(), { method: "POST", body, headers });
    return [answer.status, await answer.text()];
  };
  const wrong = [401, "The signature is wrong.\n"];
  assert.deepEqual(await post('{"n":1}', signedBy(secret, '{"n":1}')), [200, '{"n":1}']);
  assert.equal((await fetch(url(), { method: "PUT", body: "hunter2" })).status, 400);
  assert.equal((await fetch(url(), { method: "PUT", body: secret })).status, 204);
  await outbox.close();
  await start();
  assert.deepEqual(
    (await listed()).map(({ to, signature }) => [to, signature]),
    [[first, "not verified"]],
  );
  const others = `whsec_${Buffer.alloc(24, 8).toString("base64")}`;
  assert.deepEqual(await post('{"n":2}', signedBy(secret, '{"n":2}')), [200, '{"n":2}']);
  assert.deepEqual(await post('{"n":3}', signedBy(others, '{"n":3}')), wrong);
  assert.deepEqual(await post('{"n":5}', signedBy(secret, '{"n":4}')), wrong);
  assert.deepEqual(await post('{"n":6}', signedBy(secret, '{"n":6}', new Date(Date.now() - 600_000))), wrong);
  assert.deepEqual(await post('{"n":7}', {}), wrong);
  const told = (await listed()).slice(1).map(({ channel, text, signature }) => [channel, text, signature]);
  assert.deepEqual(told, [
    ["webhook", '{"n":2}', "right"],
    ...[3, 5, 6, 7].map((n) => ["webhook", `{"n":${n}}`, "wrong"]),
  ]);
  const page = await (await fetch(`${outbox.url}/`)).text();
  assert.deepEqual(
    ["right", "wrong", "not verified"].map((verdict) => page.split(`signature ${verdict}`).length - 1),
    [1, 4, 1],
  );
});

test("mails are shown to this machine alone, not to a web page whose name was made to point here", async () => {
  for (const path of ["/", "/messages", "/messages/1.eml"])
    assert.equal(await statusFor(outbox.url + path, "evil.example"), 403, path);
  assert.equal(await statusFor(`${outbox.url}/messages`, `localhost:${outbox.port}`), 200);
  assert.equal((await fetch(`${outbox.url}/messages`)).status, 200);
});

test.run();
