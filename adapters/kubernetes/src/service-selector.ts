import { label } from './labels.ts';
import type { Service } from './shapes.ts';
import { type Slot, slots } from './slots.ts';

/** What a Service selects for nobody to answer. */
const nobody = 'none';

/** What a Service selects of a service's slots: one by its name, both by leaving it out. */
export function serviceSelector(service: string, serving: readonly Slot[]): Record<string, string> {
  if (serving.length === slots.length) return { [label.service]: service };
  return { [label.service]: service, [label.slot]: serving[0] ?? nobody };
}

/** The slots that a Service's selector means. */
export function selectedSlots({ spec }: Pick<Service, 'spec'>): readonly Slot[] {
  const slot = spec.selector?.[label.slot];
  return slot === undefined ? slots : slots.filter((each) => each === slot);
}
