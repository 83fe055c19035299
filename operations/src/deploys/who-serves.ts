import type { Instance } from '../ports/deployer.ts';
import type { Endpoint } from '../ports/stored.ts';
import { evenWeight } from './record-endpoints.ts';

/** Whether anything else than these serves from outside, or these do not get all of it. */
export function hasOtherTraffic(endpoints: readonly Endpoint[], former: readonly Instance[]): boolean {
  const isFormer = new Set(former.map(({ name }) => name));
  return endpoints.some(({ instance, state, weight }) =>
    isFormer.has(instance) ? state !== 'serving' || weight !== evenWeight : state === 'serving',
  );
}

/** Whether services' names mean others than these, or not all of these. */
export function haveOtherNames(observed: readonly Instance[], former: readonly Instance[]): boolean {
  const isFormer = new Set(former.map(({ name }) => name));
  return observed.some(({ name, named }) => named !== isFormer.has(name));
}
