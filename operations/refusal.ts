/** Why a command of an operator did nothing. The message is for the person at the keyboard. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}
