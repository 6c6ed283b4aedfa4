/** A person's session in the console, without a browser: cookies kept as a browser would, pages of the issuer filled in. */
import { defined } from "../../runtime/domain/defined.ts";
import { type Answer, readAnswer } from "./platform.ts";

type Cookies = Map<string, string>;

export interface Session {
  /** One call under `/console`, with this session's cookie and what the console's pages send along. */
  call(method: string, path: string, options?: SessionCall): Promise<Answer>;
  readonly cookies: Cookies;
}

export interface SessionCall {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default live */
  readonly environment?: "live" | "sandbox";
}

function keep(cookies: Cookies, response: Response): void {
  for (const line of response.headers.getSetCookie()) {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim());
    const at = pair.indexOf("=");
    const gone = attributes.some((attribute) => /^max-age=0$/i.test(attribute));
    if (gone) cookies.delete(pair.slice(0, at));
    else cookies.set(pair.slice(0, at), pair.slice(at + 1));
  }
}

const sent = (cookies: Cookies): string => [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");

async function step(url: string, jar: Map<string, Cookies>, init: RequestInit = {}): Promise<Response> {
  const { origin } = new URL(url);
  const cookies = jar.get(origin) ?? new Map<string, string>();
  jar.set(origin, cookies);
  const headers = { ...(init.headers as Record<string, string>), cookie: sent(cookies) };
  const response = await fetch(url, { ...init, headers, redirect: "manual" });
  keep(cookies, response);
  return response;
}

/**
 * Signs a person in at the issuer that stands in on this machine.
 * @param base URL of the platform @param person name on the button @param before cookies of an earlier session
 */
export async function signIn(base: string, person: string, before?: Session): Promise<Session> {
  const jar = new Map<string, Cookies>();
  if (before !== undefined) jar.set(base, before.cookies);
  let url = `${base}/console/session/sign-in?return_to=${encodeURIComponent("/console/events?env=live")}`;
  for (let steps = 0; steps < 12; steps += 1) {
    let response = await step(url, jar);
    if (response.status === 200) {
      const page = await response.text();
      const action = /action="([^"]+)"/.exec(page)?.[1];
      const value = new RegExp(`value="([^"]+)">${person}<`).exec(page)?.[1];
      if (action === undefined || value === undefined) throw new Error(`${url} is no page with the person ${person}`);
      response = await step(new URL(action, url).href, jar, {
        method: "POST",
        body: new URLSearchParams({ person: value }),
      });
    }
    const location = response.headers.get("location");
    if (location === null) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
    const next = new URL(location, url);
    if (next.pathname === "/console/sign-in") throw new Error(`the sign-in was refused: ${next.search}`);
    if (next.origin === base && next.pathname.startsWith("/console/events")) return sessionOf(base, jar.get(base)!);
    url = next.href;
  }
  throw new Error("the sign-in goes round in circles");
}

const sessionOf = (base: string, cookies: Cookies): Session => ({
  cookies,
  async call(method, path, { body, headers, environment } = {}) {
    const raw = typeof body === "string" || body === undefined;
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        cookie: sent(cookies),
        "x-triggers-console": "1",
        origin: base,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...defined({ "x-triggers-environment": environment }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
    });
    keep(cookies, response);
    return readAnswer(response);
  },
});
