import { type ComponentType, type LazyExoticComponent, lazy } from "react";

/** Every place of the console: its path, name, who may go there, and its page. Navigation, palette and shortcuts are made of this. */
export interface Place {
  readonly path: string;
  readonly name: string;
  readonly group: "Look" | "Do" | "Manage" | "Platform";
  /** Letter that follows `g`. */
  readonly letter?: string;
  readonly permission?: string;
  readonly page: LazyExoticComponent<ComponentType>;
  /** Not in the navigation: one comes there from another place. */
  readonly hidden?: true;
  /** Among the five that a phone's bottom bar shows. */
  readonly phone?: true;
}

const page = (load: () => Promise<{ default: ComponentType }>) => lazy(load);

export const places: readonly Place[] = [
  {
    path: "/events",
    name: "Events",
    group: "Look",
    letter: "e",
    permission: "events",
    phone: true,
    page: page(() => import("./pages/events.tsx")),
  },
  {
    path: "/events/:id",
    name: "Event",
    group: "Look",
    permission: "events",
    hidden: true,
    page: page(() => import("./pages/event.tsx")),
  },
  {
    path: "/deliveries",
    name: "Deliveries",
    group: "Look",
    letter: "d",
    permission: "events",
    phone: true,
    page: page(() => import("./pages/deliveries.tsx")),
  },
  {
    path: "/dead-letters",
    name: "Dead letters",
    group: "Look",
    letter: "l",
    permission: "events",
    page: page(() => import("./pages/deadLetters.tsx")),
  },
  {
    path: "/replays",
    name: "Replays",
    group: "Look",
    letter: "r",
    permission: "events",
    page: page(() => import("./pages/replays.tsx")),
  },
  {
    path: "/send",
    name: "Send an event",
    group: "Do",
    letter: "s",
    permission: "send",
    phone: true,
    page: page(() => import("./pages/send.tsx")),
  },
  {
    path: "/send/history",
    name: "Sent events",
    group: "Do",
    letter: "h",
    permission: "send",
    page: page(() => import("./pages/sent.tsx")),
  },
  {
    path: "/match",
    name: "Match studio",
    group: "Do",
    letter: "m",
    permission: "payloads",
    page: page(() => import("./pages/match.tsx")),
  },
  {
    path: "/subscriptions",
    name: "Subscriptions",
    group: "Manage",
    letter: "u",
    permission: "subscriptions",
    phone: true,
    page: page(() => import("./pages/subscriptions.tsx")),
  },
  {
    path: "/subscriptions/:id",
    name: "Subscription",
    group: "Manage",
    permission: "subscriptions",
    hidden: true,
    page: page(() => import("./pages/subscription.tsx")),
  },
  {
    path: "/types",
    name: "Event types",
    group: "Manage",
    letter: "t",
    permission: "subscriptions",
    page: page(() => import("./pages/types.tsx")),
  },
  {
    path: "/keys",
    name: "API keys",
    group: "Manage",
    letter: "k",
    permission: "keys",
    page: page(() => import("./pages/keys.tsx")),
  },
  {
    path: "/people",
    name: "People",
    group: "Manage",
    letter: "p",
    permission: "people",
    page: page(() => import("./pages/people.tsx")),
  },
  {
    path: "/audit",
    name: "Audit log",
    group: "Manage",
    letter: "a",
    permission: "audit",
    page: page(() => import("./pages/audit.tsx")),
  },
  {
    path: "/privacy",
    name: "Privacy",
    group: "Manage",
    permission: "privacy",
    page: page(() => import("./pages/privacy.tsx")),
  },
  {
    path: "/settings",
    name: "Settings",
    group: "Manage",
    letter: ",",
    page: page(() => import("./pages/settings.tsx")),
  },
  {
    path: "/operator/customers",
    name: "Customers",
    group: "Platform",
    permission: "customers",
    page: page(() => import("./pages/customers.tsx")),
  },
];
