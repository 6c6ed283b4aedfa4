import { z } from "@hono/zod-openapi";
import { html } from "hono/html";
import { asCustomer } from "../../database/roles.ts";
import { mail } from "../../domain/alerts/alert.ts";
import { TriggersError } from "../../domain/errors/errors.ts";
import { LINKS, type LinkDoes } from "../../domain/links.ts";
import { rfc3339 } from "../../domain/time.ts";
import { readCursor } from "../cursor.ts";
import type { Api, Deps } from "../deps.ts";
import { route } from "../route.ts";
import { takeCode } from "./alertChannels.ts";

const TAG = "Links";
const Token = z.object({ token: z.string().max(2_048).openapi({ description: "What stands in the link of a mail." }) });
const page = { 200: { description: "A page that says what it did.", schema: z.string(), contentType: "text/html" } };

/** These pages load nothing from other hosts, and browsers refuse to show them in a frame of another page. */
const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-robots-tag": "noindex",
};

const answer = (title: string, text: string, more: unknown = ""): Response =>
  new Response(mail(title, [html`<h1 style="font-size:20px">${title}</h1><p>${text}</p>`, more]), { headers: HEADERS });

/** The page's own address is asked for, by POST. */
const button = (label: string) =>
  html`<form method="post"><button style="font:inherit;padding:8px 16px">${label}</button></form>`;

const confirmed = (target: string | undefined) =>
  answer("Confirmed", `Alerts and reports can be sent to ${target} from now on. You can close this page.`);
const noLonger = () =>
  answer("This link no longer works", "It was used for another address, or is too old. Ask for a new one.");

export function register(app: Api, deps: Deps): void {
  async function read(token: string): Promise<LinkDoes> {
    try {
      return await readCursor<LinkDoes>(deps, LINKS, token);
    } catch {
      throw new TriggersError("not_found", "There is no such link.");
    }
  }

  async function unsubscribe({
    customer_id,
    report_id,
    address,
  }: Extract<LinkDoes, { does: "unsubscribe" }>): Promise<void> {
    await asCustomer(deps.db, customer_id, async (tx) => {
      const report = await tx
        .selectFrom("reports")
        .select("unsubscribed")
        .where("report_id", "=", report_id)
        .forUpdate()
        .executeTakeFirst();
      if (report === undefined || report.unsubscribed.includes(address)) return;
      await tx
        .updateTable("reports")
        .set({ unsubscribed: JSON.stringify([...report.unsubscribed, address]), updated_at: rfc3339(deps.now()) })
        .where("report_id", "=", report_id)
        .execute();
    });
  }

  /** @param take whether its code is taken, which verifies the channel @returns the target of a channel that is there */
  const verification = ({ customer_id, channel_id, code }: Extract<LinkDoes, { does: "verify" }>, take: boolean) =>
    asCustomer(deps.db, customer_id, async (tx) => {
      const taken = take && (await takeCode(deps, tx, channel_id, code));
      const row = await tx
        .selectFrom("alert_channels")
        .select(["verified_at", "target"])
        .where("channel_id", "=", channel_id)
        .executeTakeFirst();
      return { verified: taken || (row?.verified_at ?? null) !== null, target: row?.target };
    });

  route(
    app,
    {
      method: "get",
      path: "/links/{token}",
      tag: TAG,
      summary: "Open a link that was sent",
      description:
        "Asks whether to confirm the address that the link was sent to, or whether a report is no longer wanted. It changes nothing: programs that scan mails open links, too.",
      scope: "public",
      params: Token,
      responses: page,
    },
    async (_c, { params }) => {
      const does = await read(params.token);
      if (does.does === "unsubscribe")
        return answer(
          "Stop this report?",
          `${does.address} no longer gets it. The owner of the report can see that.`,
          button("Unsubscribe"),
        );
      const { verified, target } = await verification(does, false);
      if (verified) return confirmed(target);
      return target === undefined
        ? noLonger()
        : answer("Confirm this address?", `Alerts and reports can then be sent to ${target}.`, button("Confirm"));
    },
  );

  route(
    app,
    {
      method: "post",
      path: "/links/{token}",
      tag: TAG,
      summary: "Do what a link's page asks",
      description:
        "Confirms the address, or unsubscribes it from a report. Mail programs unsubscribe by this call, without the page (RFC 8058).",
      scope: "public",
      params: Token,
      responses: page,
    },
    async (_c, { params }) => {
      const does = await read(params.token);
      if (does.does === "verify") {
        const { verified, target } = await verification(does, true);
        return verified ? confirmed(target) : noLonger();
      }
      await unsubscribe(does);
      return answer("Unsubscribed", `${does.address} no longer gets this report.`);
    },
  );
}
