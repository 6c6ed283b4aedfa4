import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { DataBucket } from "./blocks/dataBucket.ts";
import { Distribution } from "./blocks/distribution.ts";
import { EdgeAuthenticator, type EdgeAuthenticatorArgs } from "./blocks/edgeAuthenticator.ts";
import { EncryptionKey, forDistributions } from "./blocks/encryptionKey.ts";
import type { KeyDirectory } from "./platform/keyDirectory.ts";
import type { EdgeOutputs, Home, Standby } from "./stack/otherStacks.ts";
import { ownNames } from "./stack/webhookRules.ts";

// Invariant: the only way to a function is through the distribution, whose edge function has said who calls.

export interface IngestEdgeArgs {
  /** Region of the stack, and of the home region. */
  readonly region: string;
  readonly keys: KeyDirectory;
  /** The home region and the bucket of access logs. @default none yet: keys alone, which a region's stack needs first */
  readonly behind?: { readonly home: Home; readonly logs: DataBucket } | undefined;
  /** Regions of the edge function's log groups, days that they keep their lines, and whether their key is protected. */
  readonly edgeLogs: Pick<EdgeAuthenticatorArgs, "logRegions" | "logRetentionDays" | "protect">;
  /** Regions that take events in when the home region can't, by preference. */
  readonly standbys: readonly Standby[];
  /** Custom host name with its certificate. @default the distribution's own name */
  readonly domain?: { readonly name: string; readonly certificateArn: string } | undefined;
  /** Requests a minute from one address beyond which it is refused. @default no web ACL */
  readonly addressLimit?: number | undefined;
}

/** The public endpoint, who may pass it, and which region a request goes to. */
export class IngestEdge extends pulumi.ComponentResource {
  readonly distribution: Distribution | undefined;
  /** Where callers send their requests; undefined while there is no home region. */
  readonly url: pulumi.Output<string> | undefined;
  /** The bucket of the pages of console and documentation; undefined while there is no home region. */
  readonly pages: DataBucket | undefined;
  /** What the stacks of regions have to know. */
  readonly outputs: pulumi.Output<EdgeOutputs>;

  constructor(name: string, args: IngestEdgeArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:IngestEdge", name, {}, opts);
    const own = { parent: this };
    const { region, keys, behind, standbys } = args;
    // Holds one entry while a standby region has taken over, which the viewer function reads at every request.
    const failover = new aws.cloudfront.KeyValueStore(
      "failover",
      {
        name: `${pulumi.getProject()}-${pulumi.getStack()}-failover`,
        comment: "Which region takes events in while the home region can't",
      },
      own,
    );
    const authenticate = new EdgeAuthenticator("authenticate", { region, keys, ...args.edgeLogs }, own);
    if (behind !== undefined) {
      // Its content is the same for everybody, and public.
      const key = new EncryptionKey(
        "pages",
        {
          purpose: "Pages of the console and the documentation",
          services: [forDistributions],
          protect: args.edgeLogs.protect,
        },
        own,
      );
      const pages = new DataBucket(
        "pages",
        {
          key,
          region,
          // Files with their content's hash in their names; the next ones stand beside them.
          ageing: ["console/assets/", "docs/_astro/", "docs/pagefind/fragment/", "docs/pagefind/index/"].map(
            (prefix) => ({
              prefix,
              deleteAfterDays: 365,
            }),
          ),
          accessLogs: behind.logs,
          servesDistributions: true,
          protect: args.edgeLogs.protect,
        },
        own,
      );
      this.pages = pages;
      this.distribution = new Distribution(
        name,
        {
          authenticate: authenticate.function.qualifiedArn,
          failoverStore: failover.arn,
          ...behind,
          pages,
          standbys,
          domain: args.domain,
          addressLimit: args.addressLimit,
        },
        { ...own, dependsOn: [...authenticate.logGroups, pages.policy] },
      );
      this.url = this.distribution.url;
    }
    const hosts = pulumi
      .output(this.distribution?.distribution.domainName)
      .apply((name) => [...ownNames(args.domain), ...(name === undefined ? [] : [name])]);
    this.outputs = pulumi.output({
      region,
      keys_table: keys.tableName,
      keys_table_arn: keys.table.table.arn,
      keys_table_key_arn: keys.tableKey.arn,
      pepper_arn: keys.pepperArn,
      pepper_key_arn: keys.pepperKey.arn,
      sign_in_arn: keys.signInArn,
      sign_in_key_arn: keys.signInKey.arn,
      failover_store: failover.arn,
      hosts,
    });
    this.registerOutputs({ url: this.url });
  }
}
