import { command, flag, number } from '../command.ts';
import { garbageLines, policyLines } from '../show/garbage.ts';

export const gc = command({
  name: 'gc',
  summary: 'remove images, builds, containers and files that nothing needs any more; for the operator',
  options: {
    dryRun: flag('only say what would go, and by which rule'),
    policy: flag('only say what is kept'),
    wait: number('<seconds>', 'wait so long for builds under way, before the registry is left out (120)'),
  },
  examples: ['eve gc --dry-run', 'eve gc --policy', 'eve gc --json | jq .freed_bytes'],

  async run({ api, answer, say }, { dryRun, policy, wait }) {
    if (policy) {
      const retention = await api.getRetention();
      answer(retention, () => [
        ...policyLines(retention.policy),
        ...(retention.running ? ['Garbage is being collected now.'] : []),
      ]);
      return;
    }
    if (!dryRun) say('Collecting: builds that begin meanwhile wait a moment.');
    const report = await api.collectGarbage({
      ...(dryRun && { dry_run: true }),
      ...(wait !== undefined && { wait_seconds: wait }),
    });
    answer(report, () => garbageLines(report));
  },
});
