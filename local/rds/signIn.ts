import { createVerifier, readClaim } from "../gateway/signature.ts";
import type { Iam } from "../iam.ts";
import { type ApiCall, ServiceError } from "../service.ts";

/** What a client gives at the start of a connection; the password is an IAM token. */
export interface SignIn {
  readonly user: string;
  readonly password: string;
}

/** A token holds for a quarter of an hour. Source: RDS User Guide, "IAM database authentication". */
const TOKEN_SECONDS = 900;

/**
 * Whether somebody may sign in: the token is a link that a role has signed for this user at this address, and the role may
 * connect. @param databases ARNs of what may be connected to, as the user. @param address `host:port` that clients know
 */
export async function maySignIn(
  { user, password }: SignIn,
  iam: Pick<Iam, "callerOf" | "refusal">,
  address: string,
  databases: (user: string) => readonly string[],
): Promise<boolean> {
  const slash = password.indexOf("/");
  if (slash < 0 || password.slice(0, slash) !== address) return false;
  const call: ApiCall = {
    service: "rds-db",
    region: "",
    method: "GET",
    url: password.slice(slash),
    headers: { host: address },
    body: Buffer.alloc(0),
  };
  const claim = readClaim(call);
  const query = new URLSearchParams(call.url.slice(call.url.indexOf("?")));
  if (claim?.service !== "rds-db" || claim.expires === undefined || !(claim.expires <= TOKEN_SECONDS)) return false;
  if (query.get("Action") !== "connect" || query.get("DBUser") !== user) return false;
  try {
    const role = await createVerifier({ callerOf: iam.callerOf })(call, claim);
    return databases(user).some(
      (database) => iam.refusal(role, [{ action: "rds-db:connect", resources: [database] }]) === undefined,
    );
  } catch (thrown) {
    if (thrown instanceof ServiceError) return false;
    throw thrown;
  }
}
