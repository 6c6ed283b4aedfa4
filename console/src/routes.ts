import { type ComponentType, type LazyExoticComponent, lazy } from "react";

const page = (load: () => Promise<{ default: ComponentType }>) => lazy(load);

/** The page of each place, by its path; each is loaded when somebody goes there. */
export const routes: Readonly<Record<string, LazyExoticComponent<ComponentType>>> = {
  "/": page(() => import("./pages/overview.tsx")),
  "/health": page(() => import("./pages/health.tsx")),
  "/operator/health": page(() => import("./pages/platform.tsx")),
  "/usage": page(() => import("./pages/usage.tsx")),
  "/alerts": page(() => import("./pages/alerts.tsx")),
  "/reports": page(() => import("./pages/reports.tsx")),
  "/problems": page(() => import("./pages/problems.tsx")),
  "/events": page(() => import("./pages/events.tsx")),
  "/events/:id": page(() => import("./pages/event.tsx")),
  "/deliveries": page(() => import("./pages/deliveries.tsx")),
  "/dead-letters": page(() => import("./pages/deadLetters.tsx")),
  "/replays": page(() => import("./pages/replays.tsx")),
  "/send": page(() => import("./pages/send.tsx")),
  "/send/history": page(() => import("./pages/sent.tsx")),
  "/match": page(() => import("./pages/match.tsx")),
  "/subscriptions": page(() => import("./pages/subscriptions.tsx")),
  "/subscriptions/:id": page(() => import("./pages/subscription.tsx")),
  "/types": page(() => import("./pages/types.tsx")),
  "/keys": page(() => import("./pages/keys.tsx")),
  "/people": page(() => import("./pages/people.tsx")),
  "/audit": page(() => import("./pages/audit.tsx")),
  "/privacy": page(() => import("./pages/privacy.tsx")),
  "/settings": page(() => import("./pages/settings.tsx")),
  "/operator/customers": page(() => import("./pages/customers.tsx")),
};
