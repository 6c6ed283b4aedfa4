/** Every place of the console: its path, name and who may go there. Navigation, palette and shortcuts are made of this; routes.ts has the pages. */
export interface Place {
  readonly path: string;
  readonly name: string;
  readonly group: "Look" | "Do" | "Manage" | "Platform";
  /** Letter that follows `g`. */
  readonly letter?: string;
  readonly permission?: string;
  /** Not in the navigation: one comes there from another place. */
  readonly hidden?: true;
  /** Place in the order in which a phone's bottom bar takes those that fit, and its name there where the whole one is too long. */
  readonly phone?: number;
  readonly short?: string;
}

export const places: readonly Place[] = [
  { path: "/", name: "Overview", group: "Look", letter: "o", permission: "figures", phone: 1 },
  { path: "/events", name: "Events", group: "Look", letter: "e", permission: "events", phone: 2 },
  { path: "/events/:id", name: "Event", group: "Look", permission: "events", hidden: true },
  { path: "/deliveries", name: "Deliveries", group: "Look", letter: "d", permission: "events", phone: 3 },
  { path: "/dead-letters", name: "Dead letters", group: "Look", letter: "l", permission: "events" },
  { path: "/problems", name: "Problems", group: "Look", letter: "b", permission: "events" },
  { path: "/replays", name: "Replays", group: "Look", letter: "r", permission: "events" },
  {
    path: "/send",
    name: "Send an event",
    group: "Do",
    letter: "s",
    permission: "send",
    phone: 4,
    short: "Send",
  },
  { path: "/send/history", name: "Sent events", group: "Do", letter: "h", permission: "send" },
  { path: "/match", name: "Match studio", group: "Do", letter: "m", permission: "payloads" },
  {
    path: "/subscriptions",
    name: "Subscriptions",
    group: "Manage",
    letter: "u",
    permission: "subscriptions",
    phone: 5,
  },
  { path: "/subscriptions/:id", name: "Subscription", group: "Manage", permission: "subscriptions", hidden: true },
  {
    path: "/usage",
    name: "Usage and quota",
    group: "Look",
    letter: "q",
    permission: "figures",
    phone: 7,
    short: "Usage",
  },
  { path: "/alerts", name: "Alerts", group: "Look", letter: "n", permission: "alerts", phone: 6 },
  { path: "/reports", name: "Reports", group: "Look", letter: "f", permission: "alerts" },
  { path: "/health", name: "System health", group: "Look", letter: "y", phone: 8, short: "Health" },
  { path: "/types", name: "Event types", group: "Manage", letter: "t", permission: "subscriptions" },
  { path: "/keys", name: "API keys", group: "Manage", letter: "k", permission: "keys" },
  { path: "/people", name: "People", group: "Manage", letter: "p", permission: "people" },
  { path: "/audit", name: "Audit log", group: "Manage", letter: "a", permission: "audit" },
  { path: "/privacy", name: "Privacy", group: "Manage", permission: "privacy" },
  { path: "/settings", name: "Settings", group: "Manage", letter: "," },
  { path: "/operator/health", name: "Platform", group: "Platform", permission: "customers", phone: 9 },
  { path: "/operator/customers", name: "Customers", group: "Platform", permission: "customers", phone: 10 },
];
