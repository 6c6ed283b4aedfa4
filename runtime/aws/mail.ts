import { type SESv2Client, SendEmailCommand } from "@aws-sdk/client-sesv2";
import MailComposer from "nodemailer/lib/mail-composer/index.js";
import type Mail from "nodemailer/lib/mailer/index.js";

/** Mail by SES, composed as MIME. */

export interface MailContent {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly attachments?: readonly {
    readonly filename: string;
    readonly contentType: string;
    readonly content: Buffer;
  }[];
  /** Where the reader says that it is to be the last: `List-Unsubscribe`, by one click (RFC 8058). */
  readonly unsubscribe?: string;
}

/** The whole message, as it is sent. @param from address, or `Name <address>` */
function composeMail(from: string, to: string, content: MailContent): Promise<Buffer> {
  const { unsubscribe, attachments = [], ...rest } = content;
  const options: Mail.Options = {
    from,
    to,
    ...rest,
    attachments: attachments.map((attachment) => ({ ...attachment })),
    ...(unsubscribe === undefined
      ? {}
      : {
          headers: {
            "List-Unsubscribe": `<${unsubscribe}>`,
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
          },
        }),
    // Nothing that a customer writes is read as a file or fetched.
    disableFileAccess: true,
    disableUrlAccess: true,
  };
  return new MailComposer(options).compile().build();
}

/** @throws as SES does: an address that is not verified, a quota, a region that is away */
export async function sendMail(ses: SESv2Client, from: string, to: string, content: MailContent): Promise<void> {
  const Data = await composeMail(from, to, content);
  await ses.send(
    new SendEmailCommand({ FromEmailAddress: from, Destination: { ToAddresses: [to] }, Content: { Raw: { Data } } }),
  );
}
