export { type Accepted, Batch, type BatchOptions } from "./batch.ts";
export {
  type Answer,
  type Delivery,
  type Event,
  type NewSubscription,
  type Replay,
  type Request,
  type Subscription,
  type SubscriptionRequest,
  Triggers,
} from "./client.ts";
export type { components, paths } from "./contract.ts";
export { type ErrorCode, type ErrorDetail, isTriggersError, TriggersConnectionError, TriggersError } from "./errors.ts";
export { type Page, Pages } from "./pages.ts";
export type { CallOptions, TriggersOptions } from "./transport.ts";
export {
  type VerificationFault,
  type VerifyOptions,
  verify,
  type WebhookHeaders,
  WebhookVerificationError,
} from "./verify.ts";
