/**
 * What would have left the machine: mails as real `.eml` files, SMS, a Slack that takes messages as Slack does, and webhooks whose
 * signatures are verified. SES and End User Messaging put into it; people and tests read it.
 *   GET  /messages             { "messages": [{ "at", "channel", "to", "subject"?, "text", "attachments"?, "signature"? }] }, the oldest first
 *   GET  /messages/{id}.eml    a mail as it would have been sent
 *   GET  /                     the same for a browser
 *   POST /slack/…              what a program posts to https://hooks.slack.com/…
 *   POST /webhooks/{name}      what a program posts to a signed webhook: 401 where the signature is wrong
 *   PUT  /webhooks/{name}      the signing secret as text; posts to a name without one are not verified
 *
 * Posts to Slack carry no signature: the last part of an incoming webhook's URL is its secret.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { html } from "hono/html";
import PostalMime from "postal-mime";
import { Webhook } from "standardwebhooks";
import { defined } from "../runtime/domain/defined.ts";
import { listen } from "./listen.ts";
import { isOwnHost } from "./ownHost.ts";

export interface OutboxMessage {
  /** RFC 3339. */
  readonly at: string;
  readonly channel: "email" | "slack" | "sms" | "webhook";
  readonly to: string;
  readonly subject?: string;
  readonly text: string;
  /** Names of a mail's attachments. */
  readonly attachments?: readonly string[];
  /** Of a webhook: what verifying it came to. */
  readonly signature?: "right" | "wrong" | "not verified";
  /** File of a mail, below `/messages/`. */
  readonly file?: string;
}

export interface Outbox {
  /** Takes a mail as MIME. */
  mail(to: readonly string[], mime: Buffer): Promise<void>;
  sms(to: string, text: string): void;
  messages(): readonly OutboxMessage[];
}

export interface OutboxServer extends Outbox {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

const NO_WEB_PAGES = "The outbox is shown to this machine alone: ask 127.0.0.1, not another name.\n";
/** The newest that are kept. */
const KEPT = 1_000;

/** @param folder of the state @param port tried first; when it is taken, or 0, any free one */
export async function startOutbox(folder: string, port: number, now: () => number = Date.now): Promise<OutboxServer> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = (): string[] =>
    readdirSync(folder)
      .filter((name) => /^\d+\.json$/.test(name))
      .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
  let last = Number.parseInt(names().at(-1) ?? "0", 10);

  function add(message: Omit<OutboxMessage, "at" | "file">, mime?: Buffer): void {
    last += 1;
    const file = mime === undefined ? undefined : `${last}.eml`;
    if (mime !== undefined) writeFileSync(join(folder, file!), mime, { mode: 0o600 });
    const kept: OutboxMessage = { at: new Date(now()).toISOString(), ...message, ...defined({ file }) };
    writeFileSync(join(folder, `${last}.json`), JSON.stringify(kept), { mode: 0o600 });
    for (const name of names().slice(0, -KEPT)) {
      rmSync(join(folder, name));
      rmSync(join(folder, name.replace(/json$/, "eml")), { force: true });
    }
  }
  const messages = (): OutboxMessage[] =>
    names().map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as OutboxMessage);

  const outbox: Outbox = {
    async mail(to, mime) {
      const { subject, text, html: page, attachments } = await PostalMime.parse(mime);
      for (const address of to)
        add(
          {
            ...{ channel: "email", to: address, text: text ?? page ?? "" },
            ...defined({ subject }),
            ...(attachments.length === 0 ? {} : { attachments: attachments.map(({ filename }) => filename ?? "") }),
          },
          mime,
        );
    },
    sms: (to, text) => add({ channel: "sms", to, text }),
    messages,
  };

  /** As Slack's incoming webhooks answer. Source: api.slack.com, "Handling errors", of incoming webhooks. */
  function slack(path: string, type: string, body: string): [status: number, text: string] {
    const fault = slackFault(path);
    if (fault !== undefined) return fault;
    if (!type.startsWith("application/json")) return [400, "invalid_payload"];
    let payload: { text?: unknown; blocks?: unknown; attachments?: unknown };
    try {
      payload = JSON.parse(body) as typeof payload;
    } catch {
      return [400, "invalid_payload"];
    }
    const { text, blocks, attachments } = payload;
    if (text === undefined && blocks === undefined && attachments === undefined) return [400, "no_text"];
    if (text !== undefined && typeof text !== "string") return [400, "invalid_payload"];
    const read = (text ?? "").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    add({ channel: "slack", to: `https://hooks.slack.com${path.slice("/slack".length)}`, text: read });
    return [200, "ok"];
  }

  /** Takes a webhook: the answer holds the challenge that it may ask for. */
  function webhook(path: string, headers: IncomingMessage["headers"], body: string): [status: number, text: string] {
    const file = secretFile(path);
    let signature: OutboxMessage["signature"] = "not verified";
    if (existsSync(file))
      try {
        new Webhook(readFileSync(file, "utf8")).verify(body, headers as Record<string, string>);
        signature = "right";
      } catch {
        signature = "wrong";
      }
    add({ channel: "webhook", to: `http://${headers.host}${path}`, text: body, signature });
    return signature === "wrong" ? [401, "The signature is wrong.\n"] : [200, body];
  }
  const secretFile = (path: string): string => join(folder, `${path.slice("/webhooks/".length)}.secret`);

  function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const path = (request.url ?? "/").split("?")[0]!;
    const send = (status: number, type: string, text: string | Buffer) =>
      response.writeHead(status, { "content-type": type }).end(text);
    // Mails hold codes that sign people in.
    if (!isOwnHost(request.headers.host)) return void send(403, "text/plain", NO_WEB_PAGES);
    if (request.method === "POST" && path.startsWith("/slack/")) {
      const [status, text] = slack(path, request.headers["content-type"] ?? "", body);
      return void send(status, "text/plain", text);
    }
    if (/^\/webhooks\/[\w-]{1,100}$/.test(path)) {
      if (request.method === "POST") {
        const [status, text] = webhook(path, request.headers, body);
        return void send(status, "text/plain", text);
      }
      if (request.method === "PUT") {
        const secret = body.trim();
        if (!/^whsec_[\w+/-]{32,}=*$/.test(secret)) return void send(400, "text/plain", "A secret is whsec_…\n");
        writeFileSync(secretFile(path), secret, { mode: 0o600 });
        return void response.writeHead(204).end();
      }
    }
    if (request.method === "DELETE" && path === "/messages") {
      for (const name of readdirSync(folder)) if (!name.endsWith(".secret")) rmSync(join(folder, name));
      return void response.writeHead(204).end();
    }
    if (request.method !== "GET") return void send(405, "text/plain", "GET or POST /slack/…\n");
    const html = request.headers.accept?.includes("text/html") === true;
    if (path === "/messages" && !html)
      return void send(200, "application/json", JSON.stringify({ messages: messages() }));
    const file = /^\/messages\/(\d+\.eml)$/.exec(path)?.[1];
    if (file !== undefined) {
      try {
        return void send(200, "message/rfc822", readFileSync(join(folder, file)));
      } catch {
        return void send(404, "text/plain", "There is no such mail.\n");
      }
    }
    if (path === "/" || path === "/messages") return void send(200, "text/html; charset=utf-8", page(messages()));
    send(404, "text/plain", "There is nothing here.\n");
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("error", () => response.destroy());
    request.on("end", () => answer(request, response, Buffer.concat(chunks).toString("utf8")));
  });
  const taken = await listen(server, port);
  return {
    ...outbox,
    url: `http://127.0.0.1:${taken}`,
    port: taken,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What is wrong with the URL of an incoming webhook. Which secrets Slack has given out is known to Slack alone: here each counts. */
function slackFault(path: string): [status: number, text: string] | undefined {
  const [, team, rest] =
    /^\/slack\/(?:services|workflows|triggers)\/([\w-]+)(\/[\w-]+(?:\/[\w-]+)+)?$/.exec(path) ?? [];
  if (team === undefined) return [404, "no_service"];
  // The id of a workspace begins with a T, that of an organisation with an E.
  if (!/^[TE]/.test(team)) return [404, "no_team"];
  return rest === undefined ? [404, "no_service"] : undefined;
}

const page = (messages: readonly OutboxMessage[]): string =>
  String(
    html`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Outbox</title><style>body{font:15px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}article{border:1px solid #d0d7de;border-radius:6px;padding:1rem;margin:1rem 0}pre{white-space:pre-wrap;margin:0}small{color:#57606a}</style></head><body><h1>Outbox</h1><p>What would have left this machine, the newest first. A signed webhook to <code>/webhooks/</code>, with a name of yours after it, is shown too; <code>PUT</code> its signing secret there to have signatures verified.</p>${messages
      .toReversed()
      .map(
        ({ at, channel, to, subject, text, file, attachments, signature }) =>
          html`<article><small>${at} · ${channel} · ${to}${signature === undefined ? "" : ` · signature ${signature}`}</small><h2>${subject ?? ""}</h2><pre>${text}</pre>${
            attachments === undefined ? "" : html`<p>${attachments.join(", ")}</p>`
          }${file === undefined ? "" : html`<p><a href="/messages/${file}">as it would have been sent</a></p>`}</article>`,
      )}</body></html>`,
  );
