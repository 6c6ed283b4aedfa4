import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { EncryptionKey } from "../blocks/encryptionKey.ts";
import { trustOf } from "../blocks/permissions.ts";

export interface BackupsArgs {
  /** ARNs of what is backed up. */
  readonly resources: readonly pulumi.Input<string>[];
  /** Days that a daily backup is kept. */
  readonly keepDays: number;
  readonly protect: boolean;
}

/** Backups can't be deleted earlier, days. */
const LEAST_DAYS = 7;

// Events are not among it: DynamoDB backs up a whole table each time, which for 90 days of events at 10,000 a second costs
// more than everything else together. Point-in-time recovery covers 35 days of them, the archive the rest.

/** A daily backup outside the stores themselves, for the day on which somebody deletes a store with its own history. */
export class Backups extends pulumi.ComponentResource {
  constructor(name: string, args: BackupsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("triggers:components:Backups", name, {}, opts);
    const own = { parent: this };
    const { protect, keepDays } = args;
    const key = new EncryptionKey(name, { purpose: "Backups", protect }, own);
    // AWS refuses to delete a vault with backups in it. Who has taken the protection away has said that they may go.
    const vault = new aws.backup.Vault(
      `${name}-vault`,
      { kmsKeyArn: key.arn, ...(protect ? {} : { forceDestroy: true }) },
      { ...own, protect },
    );
    if (protect) {
      // Governance mode: to delete a backup before its time, one first has to remove the lock, which CloudTrail records.
      // Compliance mode can't be taken back by anybody, AWS included, and would outlive a mistake in `backupDays`.
      new aws.backup.VaultLockConfiguration(
        `${name}-lock`,
        { backupVaultName: vault.name, minRetentionDays: Math.min(LEAST_DAYS, keepDays) },
        own,
      );
    }
    const role = new aws.iam.Role(
      `${name}-role`,
      { description: "Makes backups", assumeRolePolicy: trustOf("backup.amazonaws.com") },
      own,
    );
    const rights = new aws.iam.RolePolicyAttachment(
      `${name}-rights`,
      { role: role.name, policyArn: "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup" },
      own,
    );
    const plan = new aws.backup.Plan(
      `${name}-plan`,
      {
        rules: [
          {
            ruleName: "daily",
            targetVaultName: vault.name,
            // In the small hours of most customers' day; AWS begins within the window and has time until it closes.
            schedule: "cron(0 4 * * ? *)",
            startWindow: 60,
            completionWindow: 480,
            lifecycle: { deleteAfter: keepDays },
          },
        ],
      },
      own,
    );
    new aws.backup.Selection(
      `${name}-selection`,
      { planId: plan.id, iamRoleArn: role.arn, resources: [...args.resources] },
      { ...own, dependsOn: [rights] },
    );
    this.registerOutputs({ vault: vault.arn });
  }
}
