import { optional, required } from "../declared.ts";
import { type Statement, wildcard } from "../iamPolicy.ts";
import type { ResourceRequest } from "../service.ts";

/** The statement that a declared permission adds to the function's resource-based policy. */
export function permissionStatement(request: ResourceRequest): Statement {
  const { inputs } = request;
  const action = required(request, "action");
  const principal = required(request, "principal");
  const sourceArn = optional(inputs, "sourceArn", "string");
  const authType = optional(inputs, "functionUrlAuthType", "string");
  const viaUrl = optional(inputs, "invokedViaFunctionUrl", "boolean");
  const matches = wildcard(sourceArn ?? "*");
  return {
    allow: true,
    appliesTo: (asked) =>
      asked.action === action &&
      asked.context["aws:principalservicename"] === principal &&
      matches(String(asked.context["aws:sourcearn"] ?? "")) &&
      (authType === undefined || asked.context["lambda:functionurlauthtype"] === authType) &&
      (viaUrl === undefined || asked.context["lambda:invokedviafunctionurl"] === String(viaUrl)),
  };
}
