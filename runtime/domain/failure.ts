/** A message that failed at a phase of its stage, and so has to come again. */
export interface Failure<Phase extends string> {
  readonly message_id: string;
  readonly phase: Phase;
  readonly error: unknown;
}

/** The failures of these messages at one phase, of the same cause. */
export const failuresAt = <Phase extends string>(
  phase: Phase,
  messages: readonly { readonly messageId: string }[],
  error: unknown,
): Failure<Phase>[] => messages.map(({ messageId }) => ({ message_id: messageId, phase, error }));
