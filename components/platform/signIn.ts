import { createHash } from "node:crypto";
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { SignInSettings } from "../stack/settings.ts";
import type { KeyDirectory } from "./keyDirectory.ts";

// Invariant: people sign in where the deployment says, and come back to this platform alone.

export interface SignInArgs {
  readonly keys: KeyDirectory;
  /** Where the platform is reached, without a slash at the end. */
  readonly url: pulumi.Output<string>;
  /** The issuer of the deployment. @default a Cognito user pool of its own */
  readonly issuer?: SignInSettings | undefined;
  readonly protect: boolean;
}

/** Who vouches for people: an issuer of OpenID Connect, whose name and secret the console's function reads. */
export class SignIn extends pulumi.ComponentResource {
  constructor(name: string, args: SignInArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:SignIn", name, {}, opts);
    const own = { parent: this };
    const { keys, url, issuer, protect } = args;
    const said =
      issuer === undefined
        ? this.userPool(url, protect)
        : pulumi.output({ issuer: issuer.issuer, client_id: issuer.clientId, client_secret: issuer.clientSecret });
    new aws.secretsmanager.SecretVersion(
      name,
      { secretId: keys.signIn.secret.id, secretString: pulumi.secret(pulumi.jsonStringify(said)) },
      own,
    );
    this.registerOutputs();
  }

  /** A pool that an administrator fills: nobody makes an account for themselves, and everybody has a second factor. */
  private userPool(url: pulumi.Output<string>, protect: boolean) {
    const own = { parent: this };
    const label = `${pulumi.getProject()}-${pulumi.getStack()}`;
    const account = aws.getCallerIdentityOutput({}, own).accountId;
    const pool = new aws.cognito.UserPool(
      "people",
      {
        name: `${label}-people`,
        adminCreateUserConfig: { allowAdminCreateUserOnly: true },
        usernameAttributes: ["email"],
        autoVerifiedAttributes: ["email"],
        mfaConfiguration: "ON",
        softwareTokenMfaConfiguration: { enabled: true },
        passwordPolicy: {
          minimumLength: 14,
          requireLowercase: true,
          requireNumbers: true,
          requireSymbols: false,
          requireUppercase: true,
          temporaryPasswordValidityDays: 3,
        },
        accountRecoverySetting: { recoveryMechanisms: [{ name: "verified_email", priority: 1 }] },
        deletionProtection: protect ? "ACTIVE" : "INACTIVE",
      },
      { ...own, protect },
    );
    // Its name is unique in the region, over all accounts, and takes no word that a stack may be named by.
    const mark = createHash("sha256").update(label).digest("hex").slice(0, 8);
    new aws.cognito.UserPoolDomain(
      "people",
      { domain: pulumi.interpolate`people-${account}-${mark}`, userPoolId: pool.id },
      own,
    );
    const client = new aws.cognito.UserPoolClient(
      "console",
      {
        name: "console",
        userPoolId: pool.id,
        generateSecret: true,
        allowedOauthFlowsUserPoolClient: true,
        allowedOauthFlows: ["code"],
        allowedOauthScopes: ["openid", "email", "profile"],
        supportedIdentityProviders: ["COGNITO"],
        callbackUrls: [pulumi.interpolate`${url}/console/session/callback`],
        preventUserExistenceErrors: "ENABLED",
        enableTokenRevocation: true,
        explicitAuthFlows: ["ALLOW_REFRESH_TOKEN_AUTH"],
      },
      own,
    );
    return pulumi.output({
      issuer: pulumi.interpolate`https://${pool.endpoint}`,
      client_id: client.id,
      client_secret: client.clientSecret,
    });
  }
}
