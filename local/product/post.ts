import { randomUUID } from "node:crypto";

const TRIES = 10;
const PAUSE_MS = 1_000;

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** On a machine that is busy: a function that is still to begin took too long, or the first attempt is still at work. */
const isEarly = ({ status, text }: Answer): boolean => status >= 500 || /"code":"idempotency_in_flight"/.test(text);

/**
 * One POST of the API, repeated under its key until it is answered, so that a start never fails because the machine is busy.
 * @param pauseMs between two attempts
 * @returns the last answer @throws TypeError where nobody listens
 */
export async function post(url: string, key: string, body: object, pauseMs = PAUSE_MS): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "idempotency-key": `start-${randomUUID()}`,
  };
  for (let tried = 1; ; tried += 1) {
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    const answer = { status: response.status, text: await response.text() };
    if (!isEarly(answer) || tried === TRIES) return answer;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
