import * as pulumi from "@pulumi/pulumi";
import { type Permission, through } from "../blocks/permissions.ts";
import type { Keys } from "../platform/keyDirectory.ts";
import type { Settings } from "./settings.ts";

// What the stacks of one platform tell each other, and nothing else: the edge names its keys, a region names its
// functions. The exports `edge`, `home` and `standby` of index.ts have these shapes.

/** A value that is known when the stack that declares it has been deployed. */
type Told<T> = { readonly [K in keyof T]: pulumi.Input<T[K]> };

/** A function behind its URL, as the distribution sees it. */
export interface OriginOutputs {
  readonly url: string;
  /** Name of the function. */
  readonly function: string;
  /** Alias that the URL belongs to; none without gradual deployments. */
  readonly qualifier: string | undefined;
}

/** Export `edge` of the stack that holds the edge. */
export interface EdgeOutputs {
  readonly region: string;
  readonly keys_table: string;
  readonly keys_table_arn: string;
  readonly keys_table_key_arn: string;
  readonly pepper_arn: string;
  readonly pepper_key_arn: string;
  readonly sign_in_arn: string;
  readonly sign_in_key_arn: string;
  /** ARN of the CloudFront KeyValueStore in which a standby region says that it takes over. */
  readonly failover_store: string;
  /** Where the platform is reached; what is posted there by a webhook would come back as an event. */
  readonly hosts: readonly string[];
}

/** Export `home` of the stack that holds the home region. */
export interface HomeOutputs {
  readonly region: string;
  readonly ingest: OriginOutputs;
  readonly api: OriginOutputs;
  readonly console: OriginOutputs;
  /** Name of the host of the WebSocket API. */
  readonly live: string;
  /** What a standby region may use: the way into this region's pipeline. */
  readonly ingest_arn: string;
  readonly subscriptions_arn: string;
  readonly queue_url: string;
  readonly queue_arn: string;
  readonly queue_key_arn: string;
  readonly payload_bucket: string;
  readonly payload_bucket_arn: string;
  readonly payload_key_arn: string;
}

/** Export `standby` of the stack of a standby region. */
export interface StandbyOutputs {
  readonly region: string;
  readonly ingest: OriginOutputs;
}

export type Edge = Told<EdgeOutputs>;
export type Home = Told<HomeOutputs>;
export type Standby = Told<StandbyOutputs> & {
  /** Short name of its stack. */
  readonly stack: string;
};

type Named = Pick<Settings, "edgeStack" | "homeStack" | "standbyStacks">;

/** The stacks that a program names. A stack that several settings name is one resource. */
export class OtherStacks {
  private readonly references = new Map<string, pulumi.StackReference>();

  /**
   * The stacks that the settings name. Each is asked for its exports before any resource is declared.
   * @throws RunError that lists every stack without the exports
   */
  static async named({ edgeStack, homeStack, standbyStacks }: Named): Promise<OtherStacks> {
    const others = new OtherStacks();
    const asked = [
      ...(edgeStack === undefined ? [] : [[edgeStack, "edge"] as const]),
      ...(homeStack === undefined ? [] : [[homeStack, "home"] as const]),
      ...standbyStacks.map((stack) => [stack, "standby"] as const),
    ];
    const told = await Promise.all(asked.map(([stack, name]) => others.reference(stack).getOutputDetails(name)));
    const silent = asked.filter((_, at) => told[at]!.value === undefined && told[at]!.secretValue === undefined);
    if (silent.length > 0)
      throw new pulumi.RunError(
        silent
          .map(
            ([stack, name]) =>
              `the stack ${stack} has no output \`${name}\`: deploy it first, or take it out of the settings`,
          )
          .join("\n"),
      );
    return others;
  }

  edge(stack: string): Edge {
    return this.outputsOf<EdgeOutputs>(stack, "edge");
  }

  home(stack: string): Home {
    return this.outputsOf<HomeOutputs>(stack, "home");
  }

  standby(stack: string): Standby {
    const { region, ingest } = this.outputsOf<StandbyOutputs>(stack, "standby");
    return { region, ingest, stack: stack.split("/").at(-1)! };
  }

  private outputsOf<T>(stack: string, name: string): Told<T> {
    const told = this.reference(stack).requireOutput(name) as pulumi.Output<T>;
    // An output of an object has its members as outputs.
    return told as unknown as Told<T>;
  }

  private reference(stack: string): pulumi.StackReference {
    const reference = this.references.get(stack) ?? new pulumi.StackReference(stack, { name: stack });
    this.references.set(stack, reference);
    return reference;
  }
}

/** The pepper as a region reads it. */
export interface PepperHere {
  readonly arn: pulumi.Input<string>;
  readonly toRead: readonly Permission[];
}

/**
 * The replica of the edge's pepper in a standby region, which must do without the home region: a replica of a secret, and of a
 * key, has the ARN of the original but for its region. `triggers:keyRegions` of the edge's stack has to name the region.
 */
export function pepperIn(edge: Edge, region: string): PepperHere {
  const here = (arn: pulumi.Input<string>) =>
    pulumi.output(arn).apply((of) => of.replace(/^(arn:[^:]+:[^:]+):[^:]+/, `$1:${region}`));
  const arn = here(edge.pepper_arn);
  return {
    arn,
    toRead: [
      { actions: ["secretsmanager:GetSecretValue"], resources: [arn] },
      through(here(edge.pepper_key_arn), "secretsmanager", region, ["kms:Decrypt"]),
    ],
  };
}

/** The key directory of the edge's stack, used from the stack of the home region. */
export class KeysElsewhere implements Keys {
  readonly tableName: pulumi.Output<string>;
  readonly pepperArn: pulumi.Output<string>;
  readonly signInArn: pulumi.Output<string>;
  private readonly edge: Edge;
  private readonly region: string;

  /** @param region of the home region, which is the one of the edge's stack: a secret is written in its own region only */
  constructor(edge: Edge, region: string) {
    this.edge = edge;
    this.region = region;
    this.tableName = pulumi.output(edge.region).apply((where) => {
      if (where !== region)
        throw new Error(`the edge's stack is in ${where} and the home region is ${region}: both have to be the same`);
      return edge.keys_table as pulumi.Output<string>;
    });
    this.pepperArn = pulumi.output(edge.pepper_arn);
    this.signInArn = pulumi.output(edge.sign_in_arn);
  }

  to(...actions: readonly `dynamodb:${string}`[]): Permission[] {
    const { keys_table_arn: arn, keys_table_key_arn: key } = this.edge;
    const indexed = actions.includes("dynamodb:Query") ? [pulumi.interpolate`${arn}/index/*`] : [];
    return [
      { actions, resources: [arn, ...indexed] },
      through(key, "dynamodb", this.region, ["kms:Decrypt", "kms:GenerateDataKey"]),
    ];
  }

  signInToRead(): Permission[] {
    return [
      { actions: ["secretsmanager:GetSecretValue"], resources: [this.edge.sign_in_arn] },
      through(this.edge.sign_in_key_arn, "secretsmanager", this.region, ["kms:Decrypt"]),
    ];
  }

  pepperToRead(): Permission[] {
    return this.pepper("secretsmanager:GetSecretValue", ["kms:Decrypt"]);
  }

  pepperToWrite(): Permission[] {
    return this.pepper("secretsmanager:PutSecretValue", ["kms:Decrypt", "kms:GenerateDataKey"]);
  }

  private pepper(action: string, keyActions: readonly string[]): Permission[] {
    return [
      { actions: [action], resources: [this.edge.pepper_arn] },
      through(this.edge.pepper_key_arn, "secretsmanager", this.region, keyActions),
    ];
  }
}
