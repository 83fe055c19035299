import type { Garbage, RetentionPolicy } from '@eve/domain';
import type { GarbageReport } from '@eve/operations';
import type * as contract from '../contract/index.ts';

export function presentRetentionPolicy(policy: RetentionPolicy): contract.RetentionPolicy {
  const { revisions, releases, builds, imagesMs, logsMs, everyMs } = policy;
  return {
    revisions,
    releases,
    builds,
    images_seconds: imagesMs / 1000,
    logs_seconds: logsMs / 1000,
    every_seconds: everyMs / 1000,
  };
}

export function presentGarbageReport(report: GarbageReport): contract.GarbageReport {
  return {
    dry_run: report.dryRun,
    policy: presentRetentionPolicy(report.policy),
    items: report.items.map(presentGarbage),
    told: report.told.map(presentGarbage),
    notes: [...report.notes],
    freed_bytes: report.freedBytes,
  };
}

function presentGarbage({ kind, id, sizeBytes, rule }: Garbage): contract.Garbage {
  return { kind, id, size_bytes: sizeBytes, rule };
}
