import { errorText, type Log } from "../aws/log.ts";
import type { Outgoing } from "../aws/queues.ts";
import type { Service } from "../aws/service.ts";
import { alertLink, composeAlert, eventOf } from "../domain/alerts/alert.ts";
import type { DueMessage, Sent } from "../domain/alerts/work.ts";
import { defined } from "../domain/defined.ts";
import { timeOf, ulidIn } from "../domain/ids.ts";
import { systemEvent } from "../domain/notice.ts";
import type { Millis } from "../domain/time.ts";
import { type SendPorts, sendTo } from "./send.ts";

/**
 * Sends the due messages. Invariant: a message is taken before it is sent, so nobody else sends it meanwhile, and what became of
 * it is written after; where that fails, it is sent once more. So each is sent at least once, and a webhook knows a repeat by its
 * id.
 */

/** So many at once, and what became of them is written before others are taken: so a slow one holds up no more than these. */
const AT_ONCE = 32;

export interface MessagePorts extends SendPorts {
  readonly log: Log;
  now(): Millis;
  readonly service: Service;
  /** Sends to the queue that becomes events of customers. */
  tell(messages: readonly Outgoing[]): Promise<void>;
}

/**
 * The customer's own event, received when its message was made. Telling the same twice is one event: its id follows from the alert and the
 * change.
 */
const noticeOf = ({ tenant, content, message_id }: DueMessage): Outgoing => {
  const { alert_id, change } = content;
  const received = timeOf(ulidIn("msg", message_id)!);
  return { text: systemEvent(tenant, eventOf(content), `alert ${alert_id} ${change}`, received), group: tenant };
};

/** Never rejects: where one message can't be composed, the others sent with it are still written as sent, and come once. */
async function send(ports: MessagePorts, message: DueMessage): Promise<Sent> {
  try {
    return await attempt(ports, message);
  } catch (error) {
    const { message_id } = message;
    ports.log("error", "alert.not_sent", { message_id, error: errorText(error) });
    return { message_id, error: String(error) };
  }
}

async function attempt(ports: MessagePorts, message: DueMessage): Promise<Sent> {
  const { message_id, tenant, content, channel } = message;
  if (channel === undefined) {
    await ports.tell([noticeOf(message)]);
    return { message_id, error: null };
  }
  const link = alertLink(channel.base_url, content);
  const { error, busy } = await sendTo(ports, {
    tenant,
    channel,
    message: composeAlert(content, link, channel.time_zone),
    payload: { ...eventOf(content), link },
    id: message_id,
  });
  ports.log(error === null ? "info" : "warn", "alert.sent", {
    tenant,
    message_id,
    alert_id: content.alert_id,
    change: content.change,
    channel_id: channel.channel_id,
    kind: channel.kind,
    error,
  });
  return { message_id, error, ...defined({ busy }) };
}

/** @param deadline milliseconds: the last message begins before it @returns how many messages were sent, and how many failed */
export async function sendDue(ports: MessagePorts, deadline: number): Promise<{ sent: number; failed: number }> {
  let [good, bad] = [0, 0];
  while (ports.now() < deadline) {
    const { messages } = (await ports.service({ op: "alert_due", limit: AT_ONCE })).answer;
    if (messages.length === 0) break;
    const sent = await Promise.all(messages.map((message) => send(ports, message)));
    await ports.service({ op: "alert_sent", sent });
    bad += sent.filter(({ error }) => error !== null).length;
    good += sent.filter(({ error }) => error === null).length;
    if (messages.length < AT_ONCE) break;
  }
  return { sent: good, failed: bad };
}
