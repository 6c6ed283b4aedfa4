/**
 * What a stack declares, as Pulumi's state has it: the checks go through this list, so resources that a later version adds are checked, too.
 * The local platform writes the same list beside its state.
 */
import { execFileSync } from "node:child_process";
import { type AwsAccess, administratorOf, type GatewayFile } from "../../local/platform/state.ts";
import { readState } from "../gateway.ts";
import { Refusal } from "../refusal.ts";

export interface Resource {
  /** Pulumi type token, `aws:sqs/queue:Queue`. */
  readonly type: string;
  readonly id: string;
  /** Logical name in the program. */
  readonly name: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

export interface Deployment {
  readonly stack: string;
  readonly resources: readonly Resource[];
  /** The program's exports. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /** How SDK clients reach it: nothing for AWS itself, where the shell's credentials hold. */
  readonly client: Partial<AwsAccess>;
}

interface Export {
  readonly deployment: {
    readonly resources?: readonly {
      readonly urn: string;
      readonly type: string;
      readonly id?: string;
      readonly outputs?: Readonly<Record<string, unknown>>;
    }[];
  };
}

const resourcesOf = ({ deployment }: Export): Resource[] =>
  (deployment.resources ?? []).map(({ urn, type, id = "", outputs = {} }) => ({
    type,
    id,
    name: urn.slice(urn.lastIndexOf("::") + 2),
    outputs,
  }));

/** The platform that runs on this machine. @param state its folder @throws Refusal with what to do when none runs there */
export function localDeployment(state: string): Deployment {
  const gateway = readState<GatewayFile>("gateway.json", state);
  return {
    stack: "local",
    resources: resourcesOf(readState<Export>("deployment.json", state)),
    outputs: gateway.outputs,
    client: administratorOf(gateway),
  };
}

/** A stack in AWS, by the Pulumi CLI of the shell, which prints what it refuses. @throws Refusal where there is no such CLI */
export function pulumiDeployment(stack: string, project: string): Deployment {
  const pulumi = (...args: string[]): string => {
    try {
      return execFileSync("pulumi", [...args, "--stack", stack], {
        cwd: project,
        encoding: "utf8",
        maxBuffer: 256 * 1024 * 1024,
        stdio: ["ignore", "pipe", "inherit"],
      });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
      throw new Refusal('The Pulumi CLI is not installed: docs/deploy.md, "What you need".', { cause });
    }
  };
  return {
    stack,
    resources: resourcesOf(JSON.parse(pulumi("stack", "export")) as Export),
    outputs: JSON.parse(pulumi("stack", "output", "--json")) as Record<string, unknown>,
    client: {},
  };
}

/** Text of a declared member. @throws Error naming resource and member where it is missing */
export function text(resource: Resource, member: string): string {
  const value = resource.outputs[member];
  if (typeof value !== "string")
    throw new Error(`${resource.type} "${resource.name}" has no ${member} in the stack's state`);
  return value;
}

/** Region of a resource, as its ARN or its arguments have it. */
export function regionOf({ outputs }: Resource): string {
  if (typeof outputs.region === "string") return outputs.region;
  const [, , , region] = String(outputs.arn ?? "").split(":");
  return region === undefined || region === "" ? "us-east-1" : region;
}
