import type { DeclaredFunction } from "./declared.ts";

/**
 * Why Lambda@Edge would refuse the version of a function; undefined when it takes it.
 * Source: CloudFront Developer Guide, "Restrictions on Lambda@Edge".
 * @param trusted whether the role's trust policy names edgelambda.amazonaws.com
 */
export function edgeRefusal(settings: DeclaredFunction, versionArn: string, trusted: boolean): string | undefined {
  if (!/:\d+$/.test(versionArn)) return `${versionArn} is not the ARN of a numbered version`;
  if (settings.region !== "us-east-1") return "it must be in us-east-1";
  if (settings.declaredVariables > 0) return "it has environment variables";
  if (settings.architecture !== "x86_64") return `it is ${settings.architecture}, not x86_64`;
  if (settings.inVpc) return "it is in a VPC";
  if (settings.timeoutMs > 30_000) return "its timeout is over 30 s";
  if (settings.reservedConcurrency !== undefined) return "it has reserved concurrency";
  return trusted ? undefined : "its role's trust policy doesn't name edgelambda.amazonaws.com";
}
