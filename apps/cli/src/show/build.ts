import type { BuildArtifact, BuildSpec, ListedBuild } from '@eve/protocol-rest/contract';
import { fields, shortHash, shortSha, size, table, when } from '../output/text.ts';

export function buildFields(spec: BuildSpec): string[] {
  return fields({
    Number: `#${spec.number}`,
    Project: spec.project_id,
    SHA: spec.git_sha,
    Manifest: spec.manifest_hash,
    Services: spec.services?.join(', ') ?? 'all',
    Inputs: jsonOrNothing(spec.inputs),
    Registry: jsonOrNothing(spec.registry),
    Cache: jsonOrNothing(spec.cache),
    'Created by': spec.created_by,
    Created: when(spec.created_at),
  });
}

function jsonOrNothing(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  const text = JSON.stringify(value);
  return text === '{}' ? null : text;
}

export function buildTable(builds: readonly ListedBuild[]): string[] {
  const rows = builds.map((spec) => [
    spec.id,
    `#${spec.number}`,
    spec.last_status ?? '-',
    shortSha(spec.git_sha),
    shortHash(spec.manifest_hash),
    spec.created_by ?? '-',
    when(spec.created_at),
  ]);
  return table(['Build ID', 'No', 'Status', 'SHA', 'Manifest', 'Created By', 'Created'], rows);
}

export function artifactTable(artifacts: readonly BuildArtifact[]): string[] {
  const [head = '', ...rows] = table(
    ['Service', 'Image', 'Size', 'Platforms'],
    artifacts.map((artifact) => [
      artifact.service_name,
      artifact.image_ref,
      size(artifact.size_bytes),
      artifact.platforms.join(', '),
    ]),
  );
  return [
    head,
    ...rows.flatMap((row, index) => {
      const artifact = artifacts[index];
      if (!artifact) return [row];
      return [
        row,
        `  Digest: ${artifact.digest}`,
        ...(artifact.tags.length > 0 ? [`  Tags: ${artifact.tags.join(', ')}`] : []),
        ...(artifact.provenance_ref ? [`  Provenance: ${artifact.provenance_ref}`] : []),
        ...(artifact.sbom_ref ? [`  SBOM: ${artifact.sbom_ref}`] : []),
      ];
    }),
  ];
}
