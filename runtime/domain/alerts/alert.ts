import { html, raw } from "hono/html";
import { firstInTheDark } from "../charts/svgText.ts";
import type { Environment } from "../identity/identity.ts";
import { alertTypes } from "../systemEvents.ts";
import { lengthText } from "../time.ts";
import type { AlertKind, Severity, Unit } from "./kinds.ts";

/** The messages about an alert: a mail, a Slack message, an SMS, a webhook and an event. Pure. */

export const alertStates = ["pending", "firing", "resolved"] as const;
export type AlertState = (typeof alertStates)[number];
export const channelKinds = ["email", "slack", "sms", "webhook"] as const;
export type ChannelKind = (typeof channelKinds)[number];

/** Changes that people are told of. */
export type ToldChange = "firing" | "escalated" | "resolved";

/** Everything that a message says. Times are RFC 3339. */
export interface AlertFacts {
  readonly alert_id: string;
  readonly rule_id: string;
  readonly name: string;
  readonly kind: AlertKind;
  readonly severity: Severity;
  readonly change: ToldChange;
  readonly environment: Environment;
  /** The number that the rule watches; null where its data stopped coming. */
  readonly value: number | null;
  readonly threshold: number;
  readonly unit: Unit;
  readonly for_minutes: number;
  readonly since: string;
  /** When it changed. */
  readonly at: string;
  readonly cause: string | null;
  /** Why it resolved. */
  readonly resolution: string | null;
  /** A channel that could not be reached, in whose place this message comes. */
  readonly instead_of?: string;
}

/** A message as each kind of channel takes it. */
export interface Composed {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** Of one or two SMS. */
  readonly short: string;
}

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

/** A number with its unit, as people read it. */
function readable(value: number | null, unit: Unit): string {
  if (value === null) return "no data";
  switch (unit) {
    case "share":
      return `${number.format(value * 100)} %`;
    case "ms":
      return lengthText(value, number);
    case "count":
      return number.format(value);
    case "up":
      return value > 0 ? "unreachable" : "reachable";
  }
}

const WHAT: Readonly<Record<AlertKind, string>> = {
  error_rate: "Share of attempts that fail",
  latency: "Time from receipt to delivery, 95th percentile",
  quota: "Use of the limit, busiest second",
  dead_letters: "Dead letters of the last 15 minutes",
  api_down: "The API",
  metric: "The number watched",
};

/** Minutes since a time, in words. */
function ago(since: string, at: string): string {
  const minutes = Math.max(0, Math.round((Date.parse(at) - Date.parse(since)) / 60_000));
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** A time as clocks of the zone show it, with the zone's name: `27 Nov 2026, 10:50 CET`. */
const clockOf = (zone: string, time: string, shown: Intl.DateTimeFormatOptions = {}): string =>
  new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone: zone, hour: "2-digit", minute: "2-digit", timeZoneName: "short" },
    ...shown,
  }).format(Date.parse(time));
const DATE = { day: "numeric", month: "short", year: "numeric" } as const;

/** Where an alert is looked at. @param base where the platform is reached, without a slash at the end */
export const alertLink = (base: string, { alert_id }: Pick<AlertFacts, "alert_id">): string =>
  `${base}/console/alerts?alert=${alert_id}`;

const headline = ({ change, severity, name }: AlertFacts): string =>
  change === "resolved" ? `[resolved] ${name}` : `[${severity}] ${name}`;

/** Label and text of what a message says, in order. */
function rowsOf(facts: AlertFacts, zone: string): [label: string, text: string][] {
  const { change, kind, value, threshold, unit, since, at, cause, resolution, for_minutes, environment } = facts;
  const limit =
    unit === "up" ? [] : [["Threshold", `above ${readable(threshold, unit)} for ${for_minutes} min`] as const];
  const over = change === "resolved";
  return [
    [WHAT[kind], readable(value, unit)],
    ...limit.map(([label, text]): [string, string] => [label, text]),
    [over ? "Lasted" : "Since", over ? ago(since, at) : `${clockOf(zone, since, DATE)} (${ago(since, at)})`],
    ...(over
      ? [
          ["Why it ended", resolution === "recovered" ? "it is well again" : "its data stopped coming"] as [
            string,
            string,
          ],
        ]
      : []),
    ...(cause === null || over ? [] : [["Suspected cause", cause] as [string, string]]),
    ["Environment", environment],
  ];
}

const SHORT = 300;
/** A long name is cut, never what follows it: a link without its end leads nowhere. */
const shortOf = (subject: string, rest: string): string =>
  subject.length + rest.length <= SHORT
    ? subject + rest
    : `${subject.slice(0, SHORT - rest.length - 1).replace(/[\ud800-\udbff]$/, "")}…${rest}`;

/** @param link to the page that acknowledges the alert @param zone by whose clocks its readers live: a name of the IANA time zone database */
export function composeAlert(facts: AlertFacts, link: string, zone: string): Composed {
  const title = headline(facts);
  const rows = rowsOf(facts, zone);
  const note = facts.instead_of === undefined ? [] : [`You get this because ${facts.instead_of} could not be reached.`];
  const reading = readable(facts.value, facts.unit);
  const subject = facts.change === "resolved" ? title : `${title}: ${reading}`;
  return {
    subject,
    text: [title, "", ...rows.map(([label, text]) => `${label}: ${text}`), "", ...note, link, ""].join("\n"),
    html: mail(subject, [
      html`<h1 style="font-size:20px;margin:0 0 16px">${title}</h1>`,
      html`<table role="presentation" style="border-collapse:collapse;width:100%">${rows.map(
        ([label, text]) =>
          html`<tr><td class="soft" style="padding:6px 16px 6px 0;color:#57606a;vertical-align:top">${label}</td><td style="padding:6px 0;vertical-align:top;overflow-wrap:anywhere">${text}</td></tr>`,
      )}</table>`,
      ...note.map((line) => html`<p class="soft" style="color:#57606a">${line}</p>`),
      button(link, "Look at the alert"),
    ]),
    short: shortOf(subject, `${facts.change === "resolved" ? "" : `, since ${clockOf(zone, facts.since)}`}. ${link}`),
  };
}

export const button = (link: string, label: string) =>
  html`<p style="margin:24px 0"><a href="${link}" style="background:#0b5cad;color:#ffffff;padding:10px 18px;border-radius:6px;text-decoration:none;display:inline-block">${label}</a></p>`;

/** What stands in the style of each element is light; where a reader wants dark, and the mail program knows what that is, this wins. */
const DARK = [
  ".page{background:#0d1117!important;color:#e6edf3!important}",
  ".sheet{background:#161b22!important;border-color:#30363d!important}",
  ".soft{color:#9da7b3!important}",
  ".line{border-color:#30363d!important}",
  `.bar0{background:${firstInTheDark}!important}`,
].join("");
/** On a phone the frame leaves its room to what it holds. */
const STYLE = `@media (prefers-color-scheme:dark){${DARK}}@media (max-width:480px){.page{padding:8px!important}.sheet{padding:16px!important}}`;

/** The frame of every mail: readable without images, on a phone, light or dark. @param parts already escaped */
export function mail(title: string, parts: readonly unknown[], foot: unknown = ""): string {
  return String(
    html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${title}</title><style>${raw(STYLE)}</style></head><body class="page" style="margin:0;padding:24px;background:#f6f8fa;color:#1f2328;font:15px/1.5 system-ui,-apple-system,Segoe UI,Roboto,sans-serif"><div class="sheet" style="max-width:640px;margin:0 auto;background:#ffffff;border:1px solid #d0d7de;border-radius:8px;padding:24px;overflow-wrap:break-word">${parts}</div><div class="soft" style="max-width:640px;margin:12px auto;color:#57606a;font-size:13px">Triggers. ${foot}</div></body></html>`,
  );
}

/** The message that verifies a channel. @param link none where a code is all that is asked for */
export function composeVerification(code: string, link: string | undefined): Composed {
  const subject = "Confirm this address for alerts";
  const asked = `Somebody asked to have alerts and reports of Triggers sent here. If it was you, confirm it with the code ${code}`;
  const rest = "It is valid for 24 hours. If it was not you, do nothing: without it, nothing more is sent here.";
  return {
    subject,
    text: [
      `${asked}${link === undefined ? "." : ", or open:"}`,
      ...(link === undefined ? [] : [link]),
      "",
      rest,
      "",
    ].join("\n"),
    html: mail(subject, [
      html`<h1 style="font-size:20px;margin:0 0 16px">${subject}</h1>`,
      html`<p>${asked}.</p>`,
      ...(link === undefined ? [] : [button(link, "Confirm")]),
      html`<p class="soft" style="color:#57606a">${rest}</p>`,
    ]),
    short: `Triggers: your code for alerts is ${code}. If you did not ask for it, do nothing.`,
  };
}

/** The message that `POST /alert-channels/{id}/test` sends. */
export function composeTest(link: string): Composed {
  const subject = "A test of this channel";
  const text = "This is how alerts will reach you. Nothing is wrong.";
  return {
    subject,
    text: `${text}\n\n${link}\n`,
    html: mail(subject, [
      html`<h1 style="font-size:20px;margin:0 0 16px">${subject}</h1>`,
      html`<p>${text}</p>`,
      button(link, "Open alerts"),
    ]),
    short: `Triggers: a test of this channel. ${text}`,
  };
}

/** As the customer's own event tells it, and the webhook of a channel. */
export const eventOf = (facts: AlertFacts) => ({
  event_type: facts.change === "resolved" ? alertTypes.resolved : alertTypes.firing,
  ...facts,
});

/**
 * As a Slack incoming webhook takes it, whole: names and URLs are bounded, so that it is far below the 40,000 characters after which Slack cuts.
 * Slack reads `<`, `>` and `&` as its own marks.
 */
export const slackOf = ({ subject, text }: Composed) => ({ text: slackText(`*${subject}*\n${text}`) });
const slackText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
