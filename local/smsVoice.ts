import { jsonAnswer, jsonRefusal, readJsonCall } from "./jsonProtocol.ts";
import type { Outbox } from "./outbox.ts";
import { type ApiCall, type LocalContext, type LocalService, ServiceError } from "./service.ts";

/**
 * AWS End User Messaging SMS on one machine: `SendTextMessage` into the outbox. It refuses what the service refuses: an invalid
 * number, a text over 1,600 characters, a sender of another account or region, and, in the sandbox, unverified numbers.
 */
const MAX_CHARACTERS = 1_600;
const E164 = /^\+[1-9]\d{1,14}$/;
const SENDER = /^arn:aws:sms-voice:([a-z0-9-]+):(\d{12}):(phone-number|sender-id|pool)\/[\w/-]+$/;

export interface SmsOptions {
  readonly outbox: Outbox;
  /** Numbers that are verified, while the account is in the sandbox. @default none: it has left the sandbox */
  readonly sandbox?: ReadonlySet<string>;
}

interface SendText {
  readonly DestinationPhoneNumber?: string;
  readonly OriginationIdentity?: string;
  readonly MessageBody?: string;
  readonly MessageType?: string;
}

const invalid = (message: string) => new ServiceError("ValidationException", message);

export function createSmsVoice(context: LocalContext, { outbox, sandbox }: SmsOptions): LocalService {
  function read(call: ApiCall): SendText {
    const { action, args } = readJsonCall(call);
    if (action !== "SendTextMessage")
      throw new ServiceError("UnknownOperationException", `The local platform does not answer sms-voice:${action}.`);
    return args as SendText;
  }

  function send(call: ApiCall): void {
    const {
      DestinationPhoneNumber: to = "",
      OriginationIdentity: from = "",
      MessageBody: text,
      MessageType,
    } = read(call);
    if (!E164.test(to)) throw invalid(`INVALID_PARAMETER: DestinationPhoneNumber ${to} is not in E.164 format.`);
    if (text === undefined || text === "") throw invalid("MISSING_PARAMETER: MessageBody is required.");
    if (text.length > MAX_CHARACTERS)
      throw invalid(`INVALID_PARAMETER: MessageBody has more than ${MAX_CHARACTERS} characters.`);
    if (MessageType !== undefined && !["TRANSACTIONAL", "PROMOTIONAL"].includes(MessageType))
      throw invalid(`INVALID_PARAMETER: MessageType is ${MessageType}.`);
    const [, region, account] = SENDER.exec(from) ?? [];
    if (region !== call.region || account !== context.accountId)
      throw new ServiceError("ResourceNotFoundException", `Unable to find the origination identity ${from}.`);
    if (sandbox !== undefined && !sandbox.has(to))
      throw new ServiceError(
        "ConflictException",
        "DESTINATION_PHONE_NUMBER_NOT_VERIFIED: the account is in the sandbox.",
      );
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
          return jsonRefusal(thrown, "1.0");
        }
      },
    },
    async close() {},
  };
}
