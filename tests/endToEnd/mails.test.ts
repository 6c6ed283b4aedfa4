// group: browser 3
import assert from "node:assert/strict";
import type { SESv2Client } from "@aws-sdk/client-sesv2";
import type { Page } from "playwright-core";
import PostalMime, { type Email } from "postal-mime";
import { suite } from "uvu";
import { sendMail } from "../../runtime/aws/mail.ts";
import {
  type AlertFacts,
  alertLink,
  type Composed,
  composeAlert,
  composeTest,
  composeVerification,
} from "../../runtime/domain/alerts/alert.ts";
import type { Tile } from "../../runtime/domain/reports/report.ts";
import { made, shop, weekly } from "../runtime/report/world.ts";
import { axeFaults } from "../support/axe.ts";
import { inBrowser, openPage, picture } from "../support/browser.ts";

/** Every mail as a file that a mail program opens, and as it looks there: on a screen and on a phone, in the light and in the dark. */
const test = suite("mails as people see them");

const LINK = "https://api.example.com/links/verify";
const facts: AlertFacts = {
  ...{ alert_id: "alt_01JDGXS7G0ABCDEFGHJKMNPQRT", rule_id: "rul_01JDGXS7G0ABCDEFGHJKMNPQRT" },
  ...{ name: `Orders fail <b>&"${"x".repeat(60)}`, kind: "error_rate", severity: "critical", change: "firing" },
  ...{ environment: "live", value: 0.125, threshold: 0.05, unit: "share", for_minutes: 10 },
  ...{ since: "2026-11-27T09:50:00.000Z", at: "2026-11-27T10:02:00.000Z", resolution: null },
  cause:
    "sub_01JDGXS7G0ABCDEFGHJKMNPQRT failed 7 times (http_5xx, 503): The endpoint is overloaded or under maintenance.",
  instead_of: "webhook https://hooks.example.com/a/long/path/that/nobody/would/break/by/hand",
};
const own: readonly Tile[] = [
  { title: "By hour", query: { measures: ["events", "failed", "attempt_latency_ms"] } },
  { title: "Types", chart: "line", query: { measures: ["events"], group_by: ["event_type"], interval: "hour" } },
  {
    title: "By day",
    query: { measures: ["events", "delivered", "failed", "attempts", "dead_lettered", "error_rate"], interval: "day" },
  },
  { title: "Bars", query: { measures: ["events", "bytes"], interval: "none", group_by: ["event_type"] } },
  { title: "Hours", chart: "table", query: { measures: ["events", "failed"], interval: "hour" } },
];

async function saved({ subject, text, html }: Composed): Promise<Buffer> {
  const sent: Buffer[] = [];
  const send = async ({ input }: { input: { Content: { Raw: { Data: Buffer } } } }) =>
    sent.push(input.Content.Raw.Data);
  await sendMail({ send } as unknown as SESv2Client, "Triggers <alerts@mail.example.com>", "ada@example.com", {
    subject,
    text,
    html,
  });
  return sent[0]!;
}

const mails: readonly [name: string, mime: () => Promise<Buffer>][] = [
  ["an alert", async () => saved(composeAlert(facts, alertLink("https://api.example.com", facts), "Europe/Berlin"))],
  [
    "a recovery",
    async () =>
      saved(
        composeAlert(
          { ...facts, change: "resolved", resolution: "recovered" },
          alertLink("https://a.example", facts),
          "UTC",
        ),
      ),
  ],
  ["a question whether somebody reads it", async () => saved(composeVerification("123456", LINK))],
  ["a test", async () => saved(composeTest(LINK))],
  ["a weekly report", async () => (await made(await shop(), weekly)).mime[0]!],
  ["a report of tiles of one's own", async () => (await made(await shop(), { ...weekly, template: own })).mime[0]!],
];

const looks = [600, 320].flatMap((width) =>
  (["light", "dark"] as const).map((colorScheme) => ({ width, colorScheme })),
);

/** Lightness of what is painted behind the mail, 0 to 1. */
const ground = (page: Page) =>
  page.evaluate(`Number(/\\d+/.exec(getComputedStyle(document.body).backgroundColor)[0]) / 255`) as Promise<number>;

async function looked(email: Email, name: string, width: number, colorScheme: "light" | "dark"): Promise<void> {
  const page = await openPage({ viewport: { width, height: 800 }, colorScheme });
  try {
    const asked: string[] = [];
    page.on("request", (request) => void asked.push(request.url()));
    await page.setContent(email.html!);
    await picture(page, `${name} ${width} ${colorScheme}`);
    assert.deepEqual(asked, [], "it loads nothing");
    assert.equal(
      await page.evaluate("document.documentElement.scrollWidth"),
      width,
      "nothing is wider than the screen",
    );
    assert.equal((await ground(page)) > 0.5, colorScheme === "light");
    assert.deepEqual(await axeFaults(page), []);
    const unseen = await page.evaluate(
      `[...document.querySelectorAll("[class^=bar]")].filter((bar) => bar.getBoundingClientRect().height < 1 || bar.getBoundingClientRect().width < 1).length`,
    );
    assert.equal(unseen, 0, "each bar is there");
  } finally {
    await page.context().close();
  }
}

inBrowser(test, "mails are not looked at", () => {
  for (const [name, mime] of mails)
    test(`${name} is a mail that opens from its file, with a text that says the same, and looks right in each look`, async () => {
      const email = await PostalMime.parse(await mime());
      assert.deepEqual(email.to, [{ address: "ada@example.com", name: "" }]);
      assert.ok(email.subject !== undefined && email.messageId !== undefined && email.date !== undefined);
      assert.ok(email.text!.trim().length > 40);
      for (const { width, colorScheme } of looks) await looked(email, name, width, colorScheme);
    });
});

test.run();
