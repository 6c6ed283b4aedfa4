import { type PinpointSMSVoiceV2Client, SendTextMessageCommand } from "@aws-sdk/client-pinpoint-sms-voice-v2";
import type { SESv2Client } from "@aws-sdk/client-sesv2";
import type { Invoke } from "../aws/clients.ts";
import { sendMail } from "../aws/mail.ts";
import { slackOf } from "../domain/alerts/alert.ts";
import type { DirectPost, DirectPostAnswer, SendAnswer, SendRequest } from "../domain/alerts/work.ts";
import { defined } from "../domain/defined.ts";
import { type Elsewhere, here } from "./elsewhere.ts";

/** Sending one message to one channel. What goes wrong is an answer, never a throw: it is tried again, and told elsewhere. */

export interface SendPorts {
  readonly ses: Pick<SESv2Client, "send">;
  readonly sms: Pick<PinpointSMSVoiceV2Client, "send">;
  /** Empty: no mail is sent. */
  readonly mailFrom: string;
  /** Empty: no SMS is sent. */
  readonly smsFrom: string;
  /** Has deliver make a post: it stands where posts may leave. */
  post(request: DirectPost): Promise<DirectPostAnswer>;
  readonly elsewhere?: Elsewhere;
}

export const postOver =
  (invoke: Invoke, deliverFunction: string) =>
  async (request: DirectPost): Promise<DirectPostAnswer> =>
    JSON.parse((await invoke(deliverFunction, JSON.stringify(request), 15_000)).toString("utf8")) as DirectPostAnswer;

const sent: SendAnswer = { sent: true, error: null };
const notSent = (error: string): SendAnswer => ({ sent: false, error });

/** An error of AWS as people can act on it, without what only we may see. SMS say more in a word beside the message. */
function reasonOf(error: unknown): string {
  const { name, message, Reason } = error as Error & { readonly Reason?: string };
  return `${name}${Reason === undefined ? "" : ` (${Reason})`}: ${message}`.slice(0, 300);
}

/** How SES and End User Messaging say that more was sent in a second, or a day, than the account may send. */
const BUSY: ReadonlySet<string> = new Set(["TooManyRequestsException", "ThrottlingException"]);

/** A message for one channel. */
export interface Letter extends Omit<SendRequest, "op"> {
  /** Id of the message: a webhook that gets it twice knows by it. */
  readonly id: string;
}

/** Sends a message once. */
export async function sendTo(
  ports: SendPorts,
  { tenant, channel: { kind, target, signing_secret }, message, payload, id }: Letter,
): Promise<SendAnswer> {
  try {
    switch (kind) {
      case "email":
        if (ports.mailFrom === "") return notSent("Mail is not set up: the setting `mailFrom` is missing.");
        await sendMail(ports.ses as SESv2Client, ports.mailFrom, target, message);
        return sent;
      case "sms":
        if (ports.smsFrom === "") return notSent("SMS is not set up: the setting `smsFrom` is missing.");
        await ports.sms.send(
          new SendTextMessageCommand({
            DestinationPhoneNumber: target,
            OriginationIdentity: ports.smsFrom,
            MessageBody: message.short,
            MessageType: "TRANSACTIONAL",
          }),
        );
        return sent;
      case "slack":
        return answerOf(
          await ports.post({
            op: "post",
            tenant,
            url: here(target, ports.elsewhere),
            body: JSON.stringify(slackOf(message)),
            id,
          }),
        );
      case "webhook":
        return answerOf(
          await ports.post({
            ...{ op: "post", tenant, url: target, body: JSON.stringify(payload), id },
            ...defined({ signing_secret }),
          }),
        );
    }
  } catch (error) {
    return { ...notSent(reasonOf(error)), ...(BUSY.has((error as Error).name) ? { busy: true } : {}) };
  }
}

const answerOf = ({ error, status_code, response_excerpt }: DirectPostAnswer): SendAnswer => ({
  sent: error === null,
  error: error === null ? null : status_code === null ? error : `The endpoint answered ${status_code}.`,
  ...defined({ status_code: status_code ?? undefined, response_excerpt }),
});
