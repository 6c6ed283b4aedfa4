import PostalMime from "postal-mime";
import { list, onlySupports, regionOf, required } from "./declared.ts";
import { jsonRefusal, objectIn } from "./jsonProtocol.ts";
import type { Outbox } from "./outbox.ts";
import { sendingRate } from "./sendingRate.ts";
import {
  type ApiCall,
  type Authorization,
  type LocalContext,
  type LocalService,
  type ResourceRequest,
  ServiceError,
} from "./service.ts";

/**
 * Amazon SES v2 on one machine: identities, configuration sets, and `SendEmail` of raw messages into the outbox; it tells of the account and
 * of identities, too. It refuses what SES refuses: a sender outside the region's identities, more than 50 recipients, a message over 40 MB, more recipients a second
 * than the account may have, and, in the sandbox, unverified recipients. A declared identity counts as verified: there is no DNS
 * to wait for.
 */
const MAX_RECIPIENTS = 50;
const MAX_BYTES = 40 * 1024 * 1024;
const SEND = "POST /v2/email/outbound-emails";
const ACCOUNT = "GET /v2/email/account";
const IDENTITY = "GET /v2/email/identities/";
const pathOf = ({ method, url }: ApiCall): string => `${method} ${url.split("?")[0]}`;
/** Mails a day of an account in the sandbox, and of another until it asks for more. */
const PER_DAY = { sandbox: 200, production: 50_000 };
const TOKENS = ["local1", "local2", "local3"];
/** Recipients a second of an account that has left the sandbox, until it asks for more; in the sandbox it is one. */
const PER_SECOND = 14;

export interface SesOptions {
  readonly outbox: Outbox;
  /** Whether the account is in the sandbox, as every new one is. @default false */
  readonly sandbox?: boolean;
  /** Milliseconds. @default the system's clock */
  now?(): number;
}

interface SendEmail {
  readonly FromEmailAddress?: string;
  readonly Destination?: {
    readonly ToAddresses?: readonly string[];
    readonly CcAddresses?: readonly string[];
    readonly BccAddresses?: readonly string[];
  };
  readonly Content?: { readonly Raw?: { readonly Data?: string } };
  readonly ConfigurationSetName?: string;
}

const perSecond = (sandbox: boolean): number => (sandbox ? 1 : PER_SECOND);
const accountOf = (sandbox: boolean) => ({
  ProductionAccessEnabled: !sandbox,
  SendingEnabled: true,
  EnforcementStatus: "HEALTHY",
  SendQuota: { Max24HourSend: sandbox ? PER_DAY.sandbox : PER_DAY.production, MaxSendRate: perSecond(sandbox) },
});
const VERIFIED = {
  VerifiedForSendingStatus: true,
  DkimAttributes: { SigningEnabled: true, Status: "SUCCESS", Tokens: TOKENS },
};
/** The identity that a call asks for, if it is such a call. */
const askedIdentity = (call: ApiCall): string | undefined =>
  pathOf(call).startsWith(IDENTITY) ? decodeURIComponent(pathOf(call).slice(IDENTITY.length)) : undefined;

const addressIn = (text: string): string => /<([^>]+)>\s*$/.exec(text)?.[1] ?? text.trim();
const recipientsOf = ({
  ToAddresses = [],
  CcAddresses = [],
  BccAddresses = [],
}: NonNullable<SendEmail["Destination"]>): string[] => [...ToAddresses, ...CcAddresses, ...BccAddresses];
const rejected = (message: string) => new ServiceError("MessageRejected", message);

export function createSes(
  context: LocalContext,
  { outbox, sandbox = false, now = Date.now }: SesOptions,
): LocalService {
  /** By `<region> <address or domain>`: the configuration set that it sends with, if any. */
  const identities = new Map<string, string | undefined>();
  const sets = new Set<string>();
  const rate = sendingRate(perSecond(sandbox), now);
  const arn = (region: string, kind: string, name: string): string =>
    `arn:aws:ses:${region}:${context.accountId}:${kind}/${name}`;

  /** The identity that covers an address: itself, its domain, or a domain above that. */
  function identityOf(address: string, region: string): string | undefined {
    const domain = address.slice(address.lastIndexOf("@") + 1).toLowerCase();
    const labels = domain.split(".");
    return [address, ...labels.map((_, at) => labels.slice(at).join("."))].find((name) =>
      identities.has(`${region} ${name}`),
    );
  }

  const parsed = new WeakMap<ApiCall, SendEmail>();
  function read(call: ApiCall): SendEmail {
    if (pathOf(call) !== SEND)
      throw new ServiceError(
        "UnknownOperationException",
        `The local platform answers only SendEmail, GetAccount and GetEmailIdentity of SES, not ${call.method} ${call.url}.`,
        404,
      );
    const known = parsed.get(call) ?? (objectIn(call.body, "BadRequestException") as SendEmail);
    parsed.set(call, known);
    return known;
  }

  /** The account, or an identity; undefined where a call asks for neither. */
  function described(call: ApiCall): object | undefined {
    if (pathOf(call) === ACCOUNT) return accountOf(sandbox);
    const asked = askedIdentity(call);
    if (asked === undefined) return undefined;
    if (identities.has(`${call.region} ${asked}`)) return VERIFIED;
    throw new ServiceError("NotFoundException", `Email identity ${asked} does not exist.`, 404);
  }

  function authorizations(call: ApiCall): readonly Authorization[] {
    if (pathOf(call) === ACCOUNT) return [{ action: "ses:GetAccount", resources: ["*"] }];
    const asked = askedIdentity(call);
    if (asked !== undefined)
      return [{ action: "ses:GetEmailIdentity", resources: [arn(call.region, "identity", asked)] }];
    const { FromEmailAddress = "", ConfigurationSetName, Destination = {} } = read(call);
    const from = addressIn(FromEmailAddress);
    const identity = identityOf(from, call.region) ?? from;
    const set = ConfigurationSetName ?? identities.get(`${call.region} ${identity}`);
    // The sandbox looks a recipient's identity up as it does a sender's, and asks for the right to both. Source: aws/aws-sdk-js#3641;
    // the SES Developer Guide, "Identity and access management in Amazon SES", says only that the sandbox restricts policies.
    const recipients = sandbox ? recipientsOf(Destination).flatMap((to) => identityOf(to, call.region) ?? []) : [];
    const resources = [
      ...[...new Set([identity, ...recipients])].map((name) => arn(call.region, "identity", name)),
      ...(set === undefined ? [] : [arn(call.region, "configuration-set", set)]),
    ];
    // Source: SES Developer Guide, "Identity and access management": a raw message needs both.
    return ["ses:SendEmail", "ses:SendRawEmail"].map((action) => ({ action, resources }));
  }

  /** @returns the id of the message */
  async function send(call: ApiCall): Promise<string> {
    const { FromEmailAddress, Destination = {}, Content, ConfigurationSetName } = read(call);
    const data = Content?.Raw?.Data;
    if (data === undefined)
      throw new ServiceError("BadRequestException", "The local platform takes raw messages alone: Content.Raw.Data.");
    const mime = Buffer.from(data, "base64");
    if (mime.length > MAX_BYTES) throw rejected(`Message length is more than ${MAX_BYTES} bytes long`);
    if (ConfigurationSetName !== undefined && !sets.has(ConfigurationSetName))
      throw new ServiceError("NotFoundException", `Configuration set <${ConfigurationSetName}> does not exist.`, 404);
    const to = recipientsOf(Destination);
    if (to.length === 0) throw new ServiceError("BadRequestException", "Missing required header 'To'.");
    if (to.length > MAX_RECIPIENTS) throw rejected(`Recipient count exceeds ${MAX_RECIPIENTS}.`);
    const inMessage = (await PostalMime.parse(mime)).from?.address;
    const senders = [FromEmailAddress, inMessage].flatMap((text) => (text === undefined ? [] : [addressIn(text)]));
    if (senders.length === 0) throw new ServiceError("BadRequestException", "Missing required header 'From'.");
    const unverified = [...new Set([...senders, ...(sandbox ? to : [])])].filter(
      (address) => identityOf(address, call.region) === undefined,
    );
    if (unverified.length > 0)
      throw rejected(
        `Email address is not verified. The following identities failed the check in region ${call.region.toUpperCase()}: ${unverified.join(", ")}`,
      );
    // Source: SES API v2, SendEmail. A message is taken whole where one more recipient fits.
    if (!rate(to.length)) throw new ServiceError("TooManyRequestsException", "Maximum sending rate exceeded.", 429);
    await outbox.mail(to, mime);
    return crypto.randomUUID();
  }

  async function createIdentity(request: ResourceRequest) {
    const { inputs } = request;
    onlySupports(request, "emailIdentity configurationSetName dkimSigningAttributes");
    const name = required(request, "emailIdentity").toLowerCase();
    const region = regionOf(request, context);
    const set = inputs.configurationSetName === undefined ? undefined : String(inputs.configurationSetName);
    if (set !== undefined && !sets.has(set)) throw new Error(`${request.name}: there is no configuration set ${set}`);
    identities.set(`${region} ${name}`, set);
    const dkim = list(inputs.dkimSigningAttributes)[0] ?? {};
    return {
      id: name,
      state: {
        ...inputs,
        arn: arn(region, "identity", name),
        verifiedForSendingStatus: true,
        dkimSigningAttributes: { ...dkim, status: "SUCCESS", tokens: TOKENS },
      },
    };
  }

  async function createSet(request: ResourceRequest) {
    const { inputs } = request;
    onlySupports(
      request,
      "configurationSetName deliveryOptions reputationOptions sendingOptions suppressionOptions trackingOptions vdmOptions",
    );
    const name = required(request, "configurationSetName");
    sets.add(name);
    return { id: name, state: { ...inputs, arn: arn(regionOf(request, context), "configuration-set", name) } };
  }

  return {
    resources: {
      "aws:sesv2/emailIdentity:EmailIdentity": createIdentity,
      "aws:sesv2/configurationSet:ConfigurationSet": createSet,
    },
    api: {
      name: "ses",
      authorizations,
      async call(call) {
        try {
          const answer = described(call) ?? { MessageId: await send(call) };
          return { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(answer) };
        } catch (thrown) {
          return jsonRefusal(thrown);
        }
      },
    },
    async close() {},
  };
}
