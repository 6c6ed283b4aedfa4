import type { Scenario, Shape } from "./scenarios.ts";

/** Request bodies. Plain strings and no libraries: this module runs in k6 and in Node alike. */

const WORDS = ["copper", "lantern", "meadow", "quartz", "saddle", "timber", "velvet", "walnut"];

function filler(bytes: number, salt: number): string {
  let text = "";
  for (let i = salt; text.length < bytes; i += 1)
    text += `${WORDS[(i * 7 + salt) % WORDS.length]}-${(i * 2_654_435_761) % 9_973} `;
  return text.slice(0, Math.max(0, bytes));
}

/** One event of about `bytes` bytes: an order, with the fields that selectors usually look at. */
function eventText(bytes: number, number: number): string {
  const head = `{"event_type":"order.created","id":"ord_${number}","amount":${(number % 900) + 99.5},"currency":"EUR","customer":{"id":"c-${number % 1000}","country":"${["DE", "FR", "US", "JP"][number % 4]}"},"lines":[{"sku":"A-${number % 50}","qty":${(number % 5) + 1}}],"note":"`;
  return `${head}${filler(bytes - head.length - 2, number)}"}`;
}

/** The body of one request of this shape: a single object, or an array. */
export function bodyText(shape: Shape): string {
  if (shape.events === 1) return eventText(shape.bytes, 7);
  const events: string[] = [];
  for (let i = 0; i < shape.events; i += 1) events.push(eventText(shape.bytes, i));
  return `[${events.join(",")}]`;
}

/** Which shape the `n`th request has: shares are kept exactly over a hundred thousand requests, without dice. */
export function shapeOf(scenario: Scenario, n: number): number {
  const point = (n * 0.618_033_988_749_894_9) % 1;
  let upTo = 0;
  for (let i = 0; i < scenario.shapes.length; i += 1) {
    upTo += scenario.shapes[i]!.share;
    if (point < upTo) return i;
  }
  return scenario.shapes.length - 1;
}

/** Which customer sends the `n`th request: evenly, or by weight 1/rank when the scenario is skewed. */
export function customerOf(scenario: Scenario, n: number): number {
  if (!scenario.skewed) return n % scenario.customers;
  let total = 0;
  for (let rank = 1; rank <= scenario.customers; rank += 1) total += 1 / rank;
  const point = ((n * 0.754_877_666_246_692_8) % 1) * total;
  let upTo = 0;
  for (let rank = 1; rank <= scenario.customers; rank += 1) {
    upTo += 1 / rank;
    if (point < upTo) return rank - 1;
  }
  return scenario.customers - 1;
}

/** First event id and number of events in a 202 answer, without parsing all of it. */
export function accepted(body: string): { first: string; count: number } {
  const at = body.indexOf("evt_");
  let count = 0;
  for (let i = at; i >= 0; i = body.indexOf('"event_id"', i + 1)) count += 1;
  return { first: body.slice(at, at + 30), count };
}
