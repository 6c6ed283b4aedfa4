import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { up as ground } from "./migrations/0001-ground.ts";
import { up as access } from "./migrations/0002-access.ts";
import { up as numberKeys } from "./migrations/0003-number-keys.ts";
import { up as costly } from "./migrations/0004-costly.ts";
import { up as noKeptSecrets } from "./migrations/0005-no-kept-secrets.ts";
import { up as subjectKeys } from "./migrations/0006-subject-keys.ts";
import { up as people } from "./migrations/0007-people.ts";
import { up as incidents } from "./migrations/0008-incidents.ts";
import { up as eventShards } from "./migrations/0009-event-shards.ts";
import { up as metricsDays } from "./migrations/0010-metrics-days.ts";
import { up as alerts } from "./migrations/0011-alerts.ts";
import { up as watchers } from "./migrations/0012-watchers.ts";
import { up as signatures } from "./migrations/0013-signatures.ts";
import { up as channelZones } from "./migrations/0014-channel-zones.ts";
import { up as auditObjects } from "./migrations/0015-audit-objects.ts";
import type { Database } from "./schema.ts";

/**
 * Forward only: an older function keeps running during a deployment, so a migration adds and never takes away what the
 * version before it uses. Imported statically, so that one bundle holds them all. Names are never changed.
 */
const migrations: Readonly<Record<string, Migration>> = {
  "0001-ground": { up: ground },
  "0002-access": { up: access },
  "0003-number-keys": { up: numberKeys },
  "0004-costly": { up: costly },
  "0005-no-kept-secrets": { up: noKeptSecrets },
  "0006-subject-keys": { up: subjectKeys },
  "0007-people": { up: people },
  "0008-incidents": { up: incidents },
  "0009-event-shards": { up: eventShards },
  "0010-metrics-days": { up: metricsDays },
  "0011-alerts": { up: alerts },
  "0012-watchers": { up: watchers },
  "0013-signatures": { up: signatures },
  "0014-channel-zones": { up: channelZones },
  "0015-audit-objects": { up: auditObjects },
};

/** Runs what has not run yet, under a lock. @returns the names of the migrations that ran now */
export async function migrate(db: Kysely<Database>): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return results.map(({ migrationName }) => migrationName);
}
