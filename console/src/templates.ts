/** Events to begin with. */
export const templates: readonly { readonly name: string; readonly says: string; readonly body: unknown }[] = [
  {
    name: "Order created",
    says: "A shop's order with two lines",
    body: {
      event_type: "order.created",
      id: "ord_1001",
      amount: 149.9,
      currency: "EUR",
      customer: { email: "ada@example.com", country: "DE" },
      lines: [
        { sku: "lamp", qty: 1, price: 99.9 },
        { sku: "bulb", qty: 5, price: 10 },
      ],
    },
  },
  {
    name: "Payment failed",
    says: "A card that was declined",
    body: { event_type: "payment.failed", id: "pay_77", amount: 40, reason: "card_declined", attempts: 2 },
  },
  {
    name: "User signed up",
    says: "A new account, with its source",
    body: { event_type: "user.signup", user: { id: "usr_9", plan: "trial" }, source: "newsletter" },
  },
  {
    name: "Ticket updated",
    says: "A support ticket that changed hands",
    body: { event_type: "ticket.updated", ticket: { id: 4711, priority: "high" }, changed: ["assignee"] },
  },
  {
    name: "Batch of three",
    says: "Several events in one request, all or nothing",
    body: [
      { event_type: "sensor.reading", sensor: "a", celsius: 21.5 },
      { event_type: "sensor.reading", sensor: "b", celsius: 19.25 },
      { event_type: "sensor.alarm", sensor: "b", celsius: 71 },
    ],
  },
];

export const firstBody: string = JSON.stringify(templates[0]!.body, null, 2);
