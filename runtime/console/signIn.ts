import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  randomNonce,
  randomPKCECodeVerifier,
} from "openid-client";
import { TriggersError } from "../domain/errors/errors.ts";
import { schemeOf } from "../domain/host.ts";
import { HOUR_MS, type Millis } from "../domain/time.ts";

/** Sign-in by OpenID Connect: authorization code with PKCE, at the issuer that the deployment names. */

/** The secret that the program fills. */
export interface SignInSettings {
  /** URL of the issuer. */
  readonly issuer: string;
  readonly client_id: string;
  readonly client_secret: string;
}

/** Who the issuer says has signed in. */
export interface SignedIn {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string;
  readonly name: string;
}

const AGAIN_MS = HOUR_MS;

export class SignIn {
  private readonly settings: () => Promise<string>;
  private readonly now: () => Millis;
  private known: { readonly at: Millis; readonly configuration: Promise<Configuration> } | undefined;

  /** @param settings value of the secret */
  constructor(settings: () => Promise<string>, now: () => Millis) {
    this.settings = settings;
    this.now = now;
  }

  /** What the issuer publishes of itself, read again every hour. */
  private configuration(): Promise<Configuration> {
    if (this.known === undefined || this.now() - this.known.at > AGAIN_MS) {
      const configuration = this.discover();
      this.known = { at: this.now(), configuration };
      configuration.catch(() => {
        this.known = undefined;
      });
    }
    return this.known.configuration;
  }

  private async discover(): Promise<Configuration> {
    const { issuer, client_id, client_secret } = JSON.parse(await this.settings()) as SignInSettings;
    const url = new URL(issuer);
    const plain = schemeOf(url.host) === "http";
    url.protocol = `${schemeOf(url.host)}:`;
    return discovery(url, client_id, client_secret, undefined, plain ? { execute: [allowInsecureRequests] } : {});
  }

  /** @returns where the browser goes, and what is to be remembered until it comes back */
  async begin(
    redirectUri: string,
    state: (begun: { verifier: string; nonce: string }) => Promise<string>,
    fresh: boolean,
  ): Promise<{ readonly url: string; readonly state: string }> {
    const configuration = await this.configuration();
    const verifier = randomPKCECodeVerifier();
    const nonce = randomNonce();
    const token = await state({ verifier, nonce });
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: "openid email profile",
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: token,
      nonce,
      ...(fresh ? { prompt: "login" } : {}),
    });
    return { url: url.href, state: token };
  }

  /** @throws TriggersError `unauthorized` where the issuer does not vouch for a verified address */
  async finish(callback: URL, state: string, begun: { verifier: string; nonce: string }): Promise<SignedIn> {
    const configuration = await this.configuration();
    const tokens = await authorizationCodeGrant(configuration, callback, {
      pkceCodeVerifier: begun.verifier,
      expectedState: state,
      expectedNonce: begun.nonce,
      idTokenExpected: true,
    });
    const { iss, sub, email, email_verified, name } = (tokens.claims() ?? {}) as Record<string, unknown>;
    // Cognito writes the flag as a text for some of its own issuers.
    const verified = email_verified === true || email_verified === "true";
    if (typeof iss !== "string" || typeof sub !== "string" || typeof email !== "string" || !verified)
      throw new TriggersError("unauthorized", "The issuer gave no verified e-mail address, so nobody is known by it.");
    return { issuer: iss, subject: sub, email, name: typeof name === "string" && name !== "" ? name : email };
  }
}
