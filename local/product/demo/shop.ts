/**
 * A day of an online shop: what its customers do, as events, each at its time of the day. Quiet at night, busy at noon and most of all in the
 * evening; an order is created before it is paid, and paid before it is shipped.
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export interface ShopEvent {
  /** Share of the day at which it happens, from 0 up to 1. */
  readonly at: number;
  readonly payload: Readonly<Record<string, unknown>> & { readonly event_type: string };
}

/** How busy each hour is, midnight first. */
const HOURS = [2, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 12, 14, 12, 10, 9, 9, 10, 13, 17, 20, 18, 11, 5];
const GOODS: readonly (readonly [sku: string, name: string, price: number])[] = [
  ["TEA-100", "Green tea, 100 g", 7.9],
  ["MUG-BLUE", "Blue mug", 12.5],
  ["POT-1L", "Teapot, 1 l", 39],
  ["TRAY-OAK", "Oak tray", 54.95],
  ["FILTER-50", "Paper filters, 50", 3.2],
];
const COUNTRIES = ["DE", "FR", "NL", "SE", "US", "IN"];
const HOUR = 1 / 24;

/**
 * @param visits of customers, each a handful of events
 * @param seed the same one makes the same day
 */
export function shopDay(visits: number, seed: number): ShopEvent[] {
  const generator = xoroshiro128plus(seed);
  const dice = (): number => uniformFloat64(generator);
  const oneOf = <T>(values: readonly T[]): T => values[Math.floor(dice() * values.length)]!;
  const events: ShopEvent[] = [];
  const tell = (at: number, event_type: string, more: object) => {
    // What would happen after midnight happens on the next day: it is not told.
    if (at < 1) events.push({ at, payload: { event_type, ...more } });
  };
  for (let visit = 0; visit < visits; visit += 1) visitAt(timeOfDay(dice), visit);

  function visitAt(begin: number, visit: number): void {
    const customer = { id: `c-${1_000 + Math.floor(dice() * 400)}`, country: oneOf(COUNTRIES) };
    let at = begin;
    const soon = () => {
      at += dice() * 0.1 * HOUR;
      return at;
    };
    if (dice() < 0.25) tell(soon(), "newsletter.opened", { customer, campaign: "autumn" });
    if (dice() < 0.15) tell(soon(), "customer.created", { customer });
    const lines = Array.from({ length: 1 + Math.floor(dice() * 3) }, () => {
      const [sku, name, price] = oneOf(GOODS);
      const quantity = 1 + Math.floor(dice() * 2);
      tell(soon(), "cart.updated", { customer, sku, quantity });
      return { sku, name, quantity, price };
    });
    if (dice() < 0.4) return;
    const total = Number(lines.reduce((sum, { quantity, price }) => sum + quantity * price, 0).toFixed(2));
    const order = { order_id: `o-${100_000 + visit}`, customer, total, currency: "EUR" };
    tell(soon(), "order.created", { ...order, lines });
    if (dice() < 0.08) {
      tell(soon(), "payment.failed", { ...order, because: oneOf(["card_declined", "expired_card", "no_answer"]) });
      if (dice() < 0.4) return;
    }
    tell(soon(), "order.paid", order);
    if (dice() < 0.1) tell(soon(), "stock.low", { sku: lines[0]!.sku, left: Math.floor(dice() * 9) });
    at += dice() * 3 * HOUR;
    tell(soon(), "order.shipped", { ...order, parcel: `p-${visit}` });
    at += dice() * 4 * HOUR;
    if (dice() < 0.05) tell(soon(), "order.refunded", { ...order, because: "returned" });
  }
  return events.sort((a, b) => a.at - b.at);
}

/** A time of the day, as share of it: the busier the hour, the likelier. */
function timeOfDay(dice: () => number): number {
  let left = dice() * HOURS.reduce((sum, weight) => sum + weight, 0);
  for (const [hour, weight] of HOURS.entries()) {
    if (left < weight) return (hour + left / weight) * HOUR;
    left -= weight;
  }
  return 1 - HOUR;
}
