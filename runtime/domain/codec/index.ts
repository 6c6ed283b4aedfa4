/**
 * The wire format of every queue message and stored item, in one place. Each carries its version; a reader accepts the
 * versions it knows and refuses others by name, so that old and new functions can run side by side during a deployment.
 */
export * from "./archive.ts";
export { CodecError } from "./codecError.ts";
export * from "./messages.ts";
