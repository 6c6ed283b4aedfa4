/** Why stored or queued bytes are unreadable: they have a newer version, or they are damaged. */
export type CodecFault = "unknown_version" | "corrupt";

export class CodecError extends Error {
  readonly fault: CodecFault;
  constructor(fault: CodecFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CodecError";
    this.fault = fault;
  }
}
