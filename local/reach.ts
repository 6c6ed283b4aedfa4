import { nameIn } from "./declared.ts";
import type { Inputs } from "./service.ts";
import type { Seen } from "./serviceUse.ts";

/**
 * What a function in a private network can reach: the services that have an endpoint there. A call to any other gets no answer, and the
 * function waits until its time is over. Sources: Lambda Developer Guide, "Enable internet access for VPC-connected Lambda functions";
 * AWS PrivateLink Guide, "AWS services that integrate with AWS PrivateLink".
 */

/** Lambda and other services ask these in the role's name, from outside the network; a token for the database takes no call. */
const ASKED_ELSEWHERE: ReadonlySet<string> = new Set(["ec2", "kms", "logs", "rds-db", "xray"]);
/** Services whose endpoint has another name than their actions. */
const ENDPOINTS: Readonly<Record<string, string>> = { cloudwatch: "monitoring" };

const actionsIn = (policy: unknown): string[] => {
  const document = (typeof policy === "string" ? JSON.parse(policy) : policy) as { Statement?: unknown };
  return [document.Statement ?? []]
    .flat()
    .flatMap((statement) => [(statement as { Action?: string }).Action ?? []].flat());
};

const isInside = ({ vpcConfig }: Inputs): boolean => ((vpcConfig as Inputs | undefined)?.subnetIds ?? "") !== "";

/** Actions that functions may take on services that they can't reach, each as a sentence. */
export function unreachable(resources: readonly Seen[]): string[] {
  const of = (type: string) => resources.filter((one) => one.type === type);
  const endpoints = new Set(of("aws:ec2/vpcEndpoint:VpcEndpoint").map(({ inputs }) => inputs.serviceName));
  const policies = of("aws:iam/rolePolicy:RolePolicy");
  return of("aws:lambda/function:Function")
    .filter(({ inputs }) => isInside(inputs))
    .flatMap(({ inputs, outputs, region }) => {
      const role = nameIn(String(inputs.role));
      const may = policies
        .filter((policy) => policy.region === region && nameIn(String(policy.inputs.role)) === role)
        .flatMap((policy) => actionsIn(policy.inputs.policy));
      return [...new Set(may)].flatMap((action) => {
        const [service = ""] = action.split(":");
        const endpoint = `com.amazonaws.${region}.${ENDPOINTS[service] ?? service}`;
        return ASKED_ELSEWHERE.has(service) || endpoints.has(endpoint)
          ? []
          : [`${String(outputs.name)} may ${action}, and its network has no endpoint ${endpoint}`];
      });
    });
}
