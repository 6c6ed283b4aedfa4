import { jsonAnswer, jsonRefusal, readJsonCall, unknownAction } from "./jsonProtocol.ts";
import type { Outbox } from "./outbox.ts";
import { sendingRate } from "./sendingRate.ts";
import { type ApiCall, type LocalContext, type LocalService, ServiceError } from "./service.ts";

/**
 * AWS End User Messaging SMS on one machine: `SendTextMessage` into the outbox. It refuses what the service refuses: an invalid
 * number, a text over 1,600 characters, a sender of another account or region, a number whose owner has opted out, more parts a
 * second than the sender may send, and, in the sandbox, unverified numbers.
 */
const MAX_CHARACTERS = 1_600;
const E164 = /^\+[1-9]\d{1,14}$/;
const SENDER = /^arn:aws:sms-voice:([a-z0-9-]+):(\d{12}):(phone-number|sender-id|pool)\/[\w/-]+$/;

/** Parts a second of a sender id, in most countries. Source: End User Messaging SMS, "Message Parts per Second (MPS) limits". */
const PER_SECOND = 10;
/** Characters of a text of one part, and of each part of several. */
const PARTS = { gsm: [160, 153], ucs2: [70, 67] } as const;

export interface SmsOptions {
  readonly outbox: Outbox;
  /** Numbers whose owners have answered STOP. @default none */
  readonly optedOut?: ReadonlySet<string>;
  /** Milliseconds. @default the system's clock */
  now?(): number;
  /** Numbers that are verified, while the account is in the sandbox. @default none: it has left the sandbox */
  readonly sandbox?: ReadonlySet<string>;
}

interface SendText {
  readonly DestinationPhoneNumber?: string;
  readonly OriginationIdentity?: string;
  readonly MessageBody?: string;
  readonly MessageType?: string;
}

/** As the service refuses: it says why in a word of its own, beside the message. */
class SmsRefusal extends ServiceError {
  readonly reason: string | undefined;
  constructor(code: string, message: string, reason?: string) {
    super(code, message);
    this.reason = reason;
  }
}
const invalid = (reason: string, message: string) => new SmsRefusal("ValidationException", message, reason);

/** Parts that a text is sent in: the longer ones where all of it is of the GSM alphabet. Of that one, only ASCII is looked for here. */
function partsOf(text: string): number {
  const [single, each] = /^[\n\r -~]*$/.test(text) ? PARTS.gsm : PARTS.ucs2;
  return text.length <= single ? 1 : Math.ceil(text.length / each);
}

export function createSmsVoice(
  context: LocalContext,
  { outbox, sandbox, optedOut = new Set(), now = Date.now }: SmsOptions,
): LocalService {
  const rate = sendingRate(PER_SECOND, now);

  function read(call: ApiCall): SendText {
    const { action, args } = readJsonCall(call);
    if (action !== "SendTextMessage") throw unknownAction("sms-voice", action);
    return args as SendText;
  }

  function send(call: ApiCall): void {
    const {
      DestinationPhoneNumber: to = "",
      OriginationIdentity: from = "",
      MessageBody: text,
      MessageType,
    } = read(call);
    if (!E164.test(to))
      throw invalid("FIELD_VALIDATION_FAILED", `DestinationPhoneNumber: ${to} is not in E.164 format.`);
    if (text === undefined || text === "") throw invalid("MISSING_PARAMETER", "MessageBody: is required.");
    if (text.length > MAX_CHARACTERS)
      throw invalid("FIELD_VALIDATION_FAILED", `MessageBody: has more than ${MAX_CHARACTERS} characters.`);
    if (MessageType !== undefined && !["TRANSACTIONAL", "PROMOTIONAL"].includes(MessageType))
      throw invalid("INVALID_PARAMETER", `MessageType: ${MessageType} is not a valid value.`);
    const [, region, account] = SENDER.exec(from) ?? [];
    if (region !== call.region || account !== context.accountId)
      throw new SmsRefusal("ResourceNotFoundException", `Unable to find the origination identity ${from}.`);
    if (sandbox !== undefined && !sandbox.has(to))
      throw new SmsRefusal(
        "ConflictException",
        "Conflict: the destination phone number is not verified, and the account is in the sandbox.",
        "DESTINATION_PHONE_NUMBER_NOT_VERIFIED",
      );
    if (optedOut.has(to))
      throw new SmsRefusal(
        "ConflictException",
        "Conflict: the destination phone number has opted out.",
        "DESTINATION_PHONE_NUMBER_OPTED_OUT",
      );
    if (!rate(partsOf(text))) throw new SmsRefusal("ThrottlingException", "Rate exceeded.");
    outbox.sms(to, text);
  }

  return {
    resources: {},
    api: {
      name: "sms-voice",
      authorizations: (call) => [
        { action: "sms-voice:SendTextMessage", resources: [read(call).OriginationIdentity ?? "*"] },
      ],
      async call(call) {
        try {
          send(call);
          return jsonAnswer({ MessageId: crypto.randomUUID() }, "1.0");
        } catch (thrown) {
          const refusal = jsonRefusal(thrown, "1.0");
          const reason = thrown instanceof SmsRefusal ? thrown.reason : undefined;
          if (reason === undefined) return refusal;
          return { ...refusal, body: JSON.stringify({ ...JSON.parse(String(refusal.body)), Reason: reason }) };
        }
      },
    },
    async close() {},
  };
}
