/** What a check says of one thing: one line, and where it is not well, what to do. */
export interface Finding {
  /** `ok`; `wait`: the check has to be repeated later; `wrong`: somebody has to act. */
  readonly state: "ok" | "wait" | "wrong";
  readonly says: string;
  /** What to do; there for everything but `ok`. */
  readonly remedy?: string;
}

export const ok = (says: string): Finding => ({ state: "ok", says });
export const wait = (says: string, remedy: string): Finding => ({ state: "wait", says, remedy });
export const wrong = (says: string, remedy: string): Finding => ({ state: "wrong", says, remedy });

/** What AWS answered instead, in one line. */
export const refusal = (thrown: unknown): string =>
  thrown instanceof Error ? `${thrown.name}: ${thrown.message.split("\n")[0]}` : String(thrown);
