import * as pulumi from "@pulumi/pulumi";

/** Variables that say where webhooks may not lead, of every function that checks or posts to one. */
export interface WebhookRules {
  readonly ALLOW_LOOPBACK_WEBHOOKS: string;
  /** The platform's own hosts, separated by commas. */
  readonly OWN_HOSTS: pulumi.Input<string>;
}

/** @param ownHosts undefined when the edge's stack has not told them yet */
export const webhookRules = (
  allowLoopback: boolean,
  ownHosts: pulumi.Input<readonly string[] | undefined>,
): WebhookRules => ({
  ALLOW_LOOPBACK_WEBHOOKS: String(allowLoopback),
  OWN_HOSTS: pulumi.output(ownHosts).apply((hosts) => (hosts ?? []).join(",")),
});

/**
 * Names of the edge that are known before it stands. The distribution's own name is not: the functions behind it would have to
 * wait for it, and it for them. Events that come back by that name are found by their number of hops.
 */
export const ownNames = (domain: { readonly name: string } | undefined): readonly string[] =>
  domain === undefined ? [] : [domain.name];
