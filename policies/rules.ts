import { durability } from "./durability.ts";
import { encryption } from "./encryption.ts";
import { exposure } from "./exposure.ts";
import { monitoring } from "./monitoring.ts";
import { platform } from "./platform.ts";
import { privilege } from "./privilege.ts";
import { queues } from "./queues.ts";
import type { Rule } from "./rule.ts";
import { transport } from "./transport.ts";

/** Every rule, by theme, in the order of the report. */
export const themes: Readonly<Record<string, readonly Rule[]>> = {
  "Encryption at rest": encryption,
  "Encryption in transit": transport,
  Exposure: exposure,
  "Least privilege": privilege,
  "Retention and recovery": durability,
  "Logging and alarms": monitoring,
  "Queues and failure paths": queues,
  "Regions and runtimes": platform,
};

export const rules: readonly Rule[] = Object.values(themes).flat();
