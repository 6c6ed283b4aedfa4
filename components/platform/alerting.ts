import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { AlertEnvironment } from "../../runtime/alert/environment.ts";
import type { ReportEnvironment } from "../../runtime/report/environment.ts";
import { EverySoOften } from "../blocks/everySoOften.ts";
import { Handler, type HandlerDefaults } from "../blocks/handler.ts";
import type { Permission } from "../blocks/permissions.ts";
import type { Secret } from "../blocks/secret.ts";
import type { DeliveryEngine } from "../deliveryEngine.ts";
import type { Retention } from "../retention.ts";
import type { EventStore } from "./eventStore.ts";
import type { Publisher } from "./live.ts";
import type { MetricsCube } from "./metricsCube.ts";

// Invariant: nothing here posts to an address of a customer's itself: deliver does, which stands where posts may leave and holds them to
// the rules of webhooks. Mail leaves by one identity and no other.

export interface AlertingArgs {
  readonly region: string;
  readonly defaults: HandlerDefaults;
  readonly store: EventStore;
  readonly delivery: DeliveryEngine;
  readonly retention: Retention;
  /** Tells those who watch. */
  readonly publisher: Publisher;
  /** Answers what reports ask by many dimensions. */
  readonly cube: MetricsCube;
  /** The subscriptions service. */
  readonly subscriptions: Handler<Readonly<Record<string, string>>>;
  /** Signs the links in mails. */
  readonly cursorSecret: Secret;
  /** Address that mails come from. @default mails are off */
  readonly mailFrom?: string | undefined;
  /** ARN of the number, sender id or pool that SMS come from. @default SMS are off */
  readonly smsFrom?: string | undefined;
  readonly protect: boolean;
}

/** What SES has to hold for an address: the domain that it is of. @example "a@mail.example.com" → "mail.example.com" */
const mailDomain = (address: string): string => address.slice(address.lastIndexOf("@") + 1);

/** Evaluates alerts and sends what is to be told; makes reports and mails them. */
export class Alerting extends pulumi.ComponentResource {
  readonly alert: Handler<AlertEnvironment>;
  readonly report: Handler<ReportEnvironment>;
  /** What the zone of the mail's domain has to hold; empty without mail. */
  readonly dkimTokens: pulumi.Output<string[]>;

  constructor(name: string, args: AlertingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Alerting", name, {}, opts);
    const own = { parent: this };
    const { region, defaults, store, delivery, retention, subscriptions, mailFrom = "", smsFrom = "" } = args;
    const mail = mailFrom === "" ? undefined : this.createMail(mailDomain(mailFrom), args.protect);
    this.dkimTokens = mail?.tokens ?? pulumi.output([]);
    const toMail = mail === undefined ? [] : [mail.toSend];
    const toText: Permission[] =
      smsFrom === "" ? [] : [{ actions: ["sms-voice:SendTextMessage"], resources: [smsFrom] }];
    this.alert = new Handler<AlertEnvironment>(
      "alert",
      {
        defaults,
        entry: "runtime/alert/handler.ts",
        environment: {
          METRICS_TABLE: store.metrics.table.name,
          EVENTS_TABLE: store.events.table.name,
          SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
          PUBLISH_FUNCTION: args.publisher.publish.target.arn,
          DELIVER_FUNCTION: delivery.deliver.target.arn,
          NOTICE_QUEUE_URL: delivery.notice.queue.url,
          MAIL_FROM: mailFrom,
          SMS_FROM: smsFrom,
        },
        permissions: [
          ...store.metrics.to("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"),
          ...store.events.to("dynamodb:Query"),
          subscriptions.toInvoke(),
          args.publisher.publish.toInvoke(),
          delivery.deliver.toInvoke(),
          ...delivery.notice.toSend(),
          ...toMail,
          ...toText,
        ],
        memoryMb: 1_024,
        // A run begins every minute; one that lasts longer holds the lease until it ends.
        timeoutSeconds: 58,
      },
      own,
    );
    this.report = new Handler<ReportEnvironment>(
      "report",
      {
        defaults,
        entry: "runtime/report/handler.ts",
        environment: {
          METRICS_TABLE: store.metrics.table.name,
          SUBSCRIPTIONS_FUNCTION: subscriptions.target.arn,
          CUBE_FUNCTION: args.cube.handler.target.arn,
          EXPORT_BUCKET: retention.exports.bucket.bucket,
          CURSOR_SECRET: args.cursorSecret.secret.arn,
          MAIL_FROM: mailFrom,
        },
        permissions: [
          ...store.metrics.to("dynamodb:BatchGetItem", "dynamodb:Query"),
          subscriptions.toInvoke(),
          args.cube.handler.toInvoke(),
          ...retention.exports.toWrite("reports/"),
          ...args.cursorSecret.toRead(),
          ...toMail,
        ],
        memoryMb: 1_024,
        timeoutSeconds: 120,
      },
      own,
    );
    for (const [schedule, handler] of [
      ["alert", this.alert],
      ["report", this.report],
    ] as const)
      new EverySoOften(
        schedule,
        { handler, rate: "rate(1 minute)", region, key: retention.jobsKey, dead: retention.jobs.dead },
        own,
      );
    this.registerOutputs();
  }

  /** The identity that mails leave by, and how they do. */
  private createMail(domain: string, protect: boolean): { toSend: Permission; tokens: pulumi.Output<string[]> } {
    const own = { parent: this };
    const set = new aws.sesv2.ConfigurationSet(
      "mail-set",
      {
        configurationSetName: `${pulumi.getProject()}-${pulumi.getStack()}`,
        deliveryOptions: { tlsPolicy: "REQUIRE" },
        reputationOptions: { reputationMetricsEnabled: true },
        sendingOptions: { sendingEnabled: true },
        suppressionOptions: { suppressedReasons: ["BOUNCE", "COMPLAINT"] },
      },
      own,
    );
    const identity = new aws.sesv2.EmailIdentity(
      "mail-identity",
      {
        emailIdentity: domain,
        configurationSetName: set.configurationSetName,
        dkimSigningAttributes: { nextSigningKeyLength: "RSA_2048_BIT" },
      },
      { ...own, protect },
    );
    return {
      toSend: { actions: ["ses:SendEmail", "ses:SendRawEmail"], resources: [identity.arn, set.arn] },
      tokens: identity.dkimSigningAttributes.apply((attributes) => attributes.tokens ?? []),
    };
  }
}
