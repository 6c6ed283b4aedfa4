import { newKeyRing, openVault } from "../../runtime/domain/webhook/vault.ts";

/** One for API and service of a test process. */
export const testVault = openVault(JSON.stringify(newKeyRing()));
