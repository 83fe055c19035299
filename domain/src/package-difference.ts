/** A package that is in an image, as its SBOM lists it. */
export interface Package {
  readonly name: string;
  readonly version: string;
}

/** A package whose versions are not as they were; null: it was not there, or is not there any more. */
export interface PackageDifference {
  readonly name: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What differs between two lists of packages, by name; of one that is there in several versions all are shown. */
export function packageDifferences(then: readonly Package[], now: readonly Package[]): readonly PackageDifference[] {
  const [before, after] = [versionsByName(then), versionsByName(now)];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => {
    const difference = { name, before: before.get(name) ?? null, after: after.get(name) ?? null };
    return difference.before === difference.after ? [] : [difference];
  });
}

function versionsByName(packages: readonly Package[]): ReadonlyMap<string, string> {
  const versions = new Map<string, Set<string>>();
  for (const { name, version } of packages) {
    const known = versions.get(name) ?? new Set();
    versions.set(name, known.add(version));
  }
  return new Map([...versions].map(([name, found]) => [name, [...found].sort().join(', ')]));
}
