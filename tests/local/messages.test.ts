import assert from "node:assert/strict";
import { PinpointSMSVoiceV2Client, SendTextMessageCommand } from "@aws-sdk/client-pinpoint-sms-voice-v2";
import { GetAccountCommand, GetEmailIdentityCommand, SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import { suite } from "uvu";
import type { Outbox } from "../../local/outbox.ts";
import type { ApiCall, LocalContext, LocalService } from "../../local/service.ts";
import { createSes } from "../../local/ses.ts";
import { createSmsVoice } from "../../local/smsVoice.ts";
import { type SendPorts, sendTo } from "../../runtime/alert/send.ts";
import type { ChannelKind } from "../../runtime/domain/alerts/alert.ts";
import { clientOf, type Served, serve } from "./serve.ts";

/** SES and End User Messaging as they refuse, by their own SDKs, and what the product makes of it. */
const test = suite("refusals of SES and of SMS");

const STOPPED = "+447700900111";
const MAIL = "alerts@mail.example.com";
const SMS_FROM = "arn:aws:sms-voice:us-east-1:000000000000:sender-id/TRIGGERS/GB";
const NEVER_AGAIN = { maxAttempts: 1 } as const;

let clock = 0;
const mails: string[] = [];
const texts: [to: string, text: string][] = [];
const outbox: Outbox = {
  mail: async (to) => void mails.push(...to),
  sms: (to, text) => void texts.push([to, text]),
  messages: () => [],
};

interface Account {
  readonly served: Served;
  readonly ses: SESv2Client;
  readonly sms: PinpointSMSVoiceV2Client;
}
async function account(sandbox: boolean): Promise<Account> {
  const now = () => clock;
  const served = await serve(async (context) => {
    const ses = createSes(context, { outbox, sandbox, now });
    const declare = (service: LocalService, type: string, inputs: Record<string, unknown>) =>
      service.resources[type]!({ type, name: "x", inputs } as never);
    await declare(ses, "aws:sesv2/emailIdentity:EmailIdentity", { emailIdentity: "mail.example.com" });
    const numbers = sandbox ? { sandbox: new Set(["+447700900001"]) } : {};
    return [ses, createSmsVoice(context, { outbox, now, optedOut: new Set([STOPPED]), ...numbers })];
  });
  const options = { ...clientOf(served.endpoint), ...NEVER_AGAIN };
  return { served, ses: new SESv2Client(options), sms: new PinpointSMSVoiceV2Client(options) };
}

let open: Account;
let sandboxed: Account;
test.before(async () => {
  open = await account(false);
  sandboxed = await account(true);
});
test.after(async () => {
  for (const { served, ses, sms } of [open, sandboxed]) {
    ses.destroy();
    sms.destroy();
    await served.close();
  }
});
test.before.each(() => {
  // Whatever a test sends, there is room again.
  clock += 60_000;
  mails.length = 0;
  texts.length = 0;
});

const mime = (from: string, bytes = 10) =>
  Buffer.from(`From: ${from}\r\nTo: ada@example.com\r\nSubject: x\r\n\r\n${"a".repeat(bytes)}`);
const mail = ({ ses }: Account, more: { from?: string; to?: string[]; bytes?: number } = {}) =>
  ses.send(
    new SendEmailCommand({
      FromEmailAddress: more.from ?? MAIL,
      Destination: { ToAddresses: more.to ?? ["ada@example.com"] },
      Content: { Raw: { Data: mime(more.from ?? MAIL, more.bytes) } },
    }),
  );
const text = ({ sms }: Account, to: string, body = "Something fails.", from = SMS_FROM) =>
  sms.send(new SendTextMessageCommand({ DestinationPhoneNumber: to, MessageBody: body, OriginationIdentity: from }));

type Refusal = readonly [says: string, send: () => Promise<unknown>, name: string, message: RegExp, reason?: string];
const refusals: readonly Refusal[] = [
  [
    "a sender that is not verified",
    () => mail(open, { from: "a@other.example" }),
    "MessageRejected",
    /a@other\.example/,
  ],
  ["in the sandbox, a recipient that is not verified", () => mail(sandboxed), "MessageRejected", /ada@example\.com/],
  [
    "more recipients than a message may have",
    () => mail(open, { to: Array.from({ length: 51 }, (_, at) => `a${at}@example.com`) }),
    "MessageRejected",
    /50/,
  ],
  ["a message that is too large", () => mail(open, { bytes: 41 * 1_048_576 }), "MessageRejected", /length/],
  [
    "a number without a country",
    () => text(open, "07700900001"),
    "ValidationException",
    /E\.164/,
    "FIELD_VALIDATION_FAILED",
  ],
  [
    "a number that is too long",
    () => text(open, "+4477009000011223"),
    "ValidationException",
    /E\.164/,
    "FIELD_VALIDATION_FAILED",
  ],
  ["no text", () => text(open, "+447700900002", ""), "ValidationException", /MessageBody/, "MISSING_PARAMETER"],
  [
    "a text that is too long",
    () => text(open, "+447700900002", "a".repeat(1_601)),
    "ValidationException",
    /1600/,
    "FIELD_VALIDATION_FAILED",
  ],
  [
    "a sender of another region",
    () => text(open, "+447700900002", "x", SMS_FROM.replace("us-east-1", "eu-west-1")),
    "ResourceNotFoundException",
    /origination/,
  ],
  [
    "a number that has opted out",
    () => text(open, STOPPED),
    "ConflictException",
    /opted out/,
    "DESTINATION_PHONE_NUMBER_OPTED_OUT",
  ],
  [
    "in the sandbox, a number that is not verified",
    () => text(sandboxed, "+447700900002"),
    "ConflictException",
    /sandbox/,
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED",
  ],
];
for (const [says, send, name, message, reason] of refusals)
  test(`refused: ${says}`, async () => {
    const error = await send().then(
      () => assert.fail("it was taken"),
      (thrown: Error & { Reason?: string }) => thrown,
    );
    assert.equal(error.name, name);
    assert.match(error.message, message);
    assert.equal(error.Reason, reason);
    assert.deepEqual([mails, texts], [[], []]);
  });

test("in the sandbox SES asks for the right to a recipient's identity, too", async () => {
  for (const [sandbox, recipients] of [
    [false, []],
    [true, ["ada@example.com"]],
  ] as const) {
    const ses = createSes({ accountId: "000000000000", region: "us-east-1" } as LocalContext, { outbox, sandbox });
    for (const emailIdentity of ["mail.example.com", "ada@example.com"])
      await ses.resources["aws:sesv2/emailIdentity:EmailIdentity"]!({
        type: "aws:sesv2/emailIdentity:EmailIdentity",
        name: "x",
        inputs: { emailIdentity },
      } as never);
    const body = JSON.stringify({
      FromEmailAddress: MAIL,
      Destination: { ToAddresses: ["bounce@mail.example.com", "ada@example.com"] },
    });
    const call = { method: "POST", url: "/v2/email/outbound-emails", region: "us-east-1", body: Buffer.from(body) };
    assert.deepEqual(
      ses.api!.authorizations(call as unknown as ApiCall).map(({ resources }) => resources),
      ["ses:SendEmail", "ses:SendRawEmail"].map(() =>
        ["mail.example.com", ...recipients].map((name) => `arn:aws:ses:us-east-1:000000000000:identity/${name}`),
      ),
    );
  }
});

test("a valid message is accepted, in the sandbox too", async () => {
  await mail(open);
  await mail(sandboxed, { to: ["bounce@mail.example.com"] });
  await text(open, "+447700900002");
  await text(sandboxed, "+447700900001");
  assert.deepEqual(mails, ["ada@example.com", "bounce@mail.example.com"]);
  assert.deepEqual(
    texts.map(([to]) => to),
    ["+447700900002", "+447700900001"],
  );
});

test("SES takes 14 recipients a second, and End User Messaging 10 parts; a second later there is room again", async () => {
  const taken = async (send: () => Promise<unknown>, refusal: string): Promise<number> => {
    for (let count = 0; ; count += 1)
      try {
        await send();
      } catch (error) {
        assert.equal((error as Error).name, refusal);
        return count;
      }
  };
  assert.equal(await taken(() => mail(open), "TooManyRequestsException"), 14);
  assert.equal(await taken(() => text(open, "+447700900002"), "ThrottlingException"), 10);
  clock += 1_000;
  assert.equal(await taken(() => mail(open), "TooManyRequestsException"), 14);
  clock += 1_000;
  // 70 characters of other alphabets are a part, so 100 are two.
  assert.equal(await taken(() => text(open, "+447700900002", "ж".repeat(100)), "ThrottlingException"), 5);
  assert.equal(await taken(() => mail(sandboxed, { to: ["a@mail.example.com"] }), "TooManyRequestsException"), 1);
});

const message = { subject: "x", text: "x", html: "<p>x</p>", short: "x" };
function say(of: Account, kind: ChannelKind, target: string) {
  const ports: SendPorts = {
    ...{ ses: of.ses, sms: of.sms, mailFrom: MAIL, smsFrom: SMS_FROM },
    post: () => Promise.reject(new Error("unused")),
  };
  const channel = { channel_id: "chn_1", kind, target, base_url: "", time_zone: "UTC" };
  return sendTo(ports, { tenant: "cus_1", channel, message, payload: {}, id: "msg_1" });
}

test("a refused message gives the service's own reason, and tells whether the refusal will pass by itself", async () => {
  assert.deepEqual(await say(open, "sms", STOPPED), {
    sent: false,
    error:
      "ConflictException (DESTINATION_PHONE_NUMBER_OPTED_OUT): Conflict: the destination phone number has opted out.",
  });
  const { error, busy } = await say(sandboxed, "email", "ada@example.com");
  assert.match(error!, /^MessageRejected: Email address is not verified\./);
  assert.equal(busy, undefined);
  for (let sent = 0; sent < 14; sent += 1) assert.equal((await say(open, "email", "ada@example.com")).sent, true);
  assert.deepEqual(await say(open, "email", "ada@example.com"), {
    sent: false,
    error: "TooManyRequestsException: Maximum sending rate exceeded.",
    busy: true,
  });
});

test("an account says whether it may mail to everybody, and of an identity that its domain is proven", async () => {
  for (const [{ ses }, production, rate] of [
    [open, true, 14],
    [sandboxed, false, 1],
  ] as const) {
    const told = await ses.send(new GetAccountCommand());
    assert.deepEqual([told.ProductionAccessEnabled, told.SendQuota?.MaxSendRate], [production, rate]);
  }
  const asked = (EmailIdentity: string) => open.ses.send(new GetEmailIdentityCommand({ EmailIdentity }));
  const found = await asked("mail.example.com");
  assert.deepEqual([found.VerifiedForSendingStatus, found.DkimAttributes?.Status], [true, "SUCCESS"]);
  await assert.rejects(asked("other.example"), { name: "NotFoundException" });
});

test.run();
