import { deployableServices, type ErrorDetail, type Manifest, type Service } from '@eve/domain';
import type { Platform, Settings } from '../platform.ts';

/** What a manifest may ask for and not every runtime has. */
export type Feature = 'autoscale' | 'pre_stop' | 'published_port';

/** Where a manifest asks for a feature. */
export interface FeatureUse {
  readonly feature: Feature;
  readonly at: Omit<ErrorDetail, 'message'>;
}

const reasons: Record<Settings['addresses'], Partial<Record<Feature, string>>> = {
  machine: {
    autoscale: '`autoscale` has no effect on one machine: `deploy.replicas` instances run.',
    pre_stop: '`pre_stop` has no effect on one machine: nobody is sent to an instance before it is stopped.',
  },
  cluster: {
    published_port: 'The published port has no effect in a cluster: services are reached by their names there.',
  },
};

/** What of a manifest has no effect where this installation runs services. */
export function withoutEffect(
  { addresses }: Pick<Settings, 'addresses'>,
  uses: readonly FeatureUse[],
): readonly ErrorDetail[] {
  return uses.flatMap(({ feature, at }) => {
    const message = reasons[addresses][feature];
    return message ? [{ ...at, message }] : [];
  });
}

/** What of a manifest this installation cannot do, or has no effect here, at its place as far as that is known. */
export function runtimeFindings(
  { settings, deployer }: Pick<Platform, 'settings' | 'deployer'>,
  manifest: Manifest,
  uses: readonly FeatureUse[],
): readonly ErrorDetail[] {
  const unsupported = deployer.unsupported(deployableServices(manifest)).map((text) => {
    const [path = '', ...words] = text.split(': ');
    return { path, message: `This installation cannot deploy it: ${words.join(': ')}.` };
  });
  return [...unsupported, ...withoutEffect(settings, uses)];
}

/** What services ask for, where their places in the manifest are not known. */
export function featuresOf(services: readonly Service[]): readonly FeatureUse[] {
  return services.flatMap(({ name, autoscale, preStopMs, ports }) => {
    const use = (feature: Feature, field: string) => ({ feature, at: { path: `services.${name}.${field}` } });
    return [
      ...(autoscale ? [use('autoscale', 'x-eve.autoscale')] : []),
      ...(preStopMs === null ? [] : [use('pre_stop', 'x-eve.pre_stop')]),
      ...(ports.some(({ published }) => published !== null) ? [use('published_port', 'ports')] : []),
    ];
  });
}
