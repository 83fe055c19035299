import {
  connectNetwork,
  createContainer,
  createVolume,
  isDockerError,
  removeContainer,
  startContainer,
} from '@eve/adapter-docker';
import { shortId } from '@eve/domain';
import type { ServiceTarget } from '@eve/operations';
import { containerBody, environmentLabels, publishedPorts, volumeName } from './container-body.ts';
import type { ApplyContext } from './context.ts';
import { deployFailed } from './failure.ts';
import { type Found, findInstance } from './found.ts';
import { freeLoopbackPorts } from './loopback-ports.ts';
import { freeSlot, slotAddress } from './place.ts';

const attempts = 6;

/** The container's name says deploy, service and replica, so that a later worker finds what an earlier one made. */
export function instanceName(context: Pick<ApplyContext, 'target'>, service: string, replica: number): string {
  return `${context.target.place}-${service}-${shortId(context.target.deployId)}-${replica}`;
}

/** Makes and starts one instance, without its service's name, unless it runs already. */
export async function startInstance(context: ApplyContext, wanted: ServiceTarget, replica: number): Promise<Found> {
  const { engine, target, installation, signal } = context;
  const name = instanceName(context, wanted.service.name, replica);
  const there = await findInstance(engine, name);
  if (there && there.instance.hash === wanted.hash && (await startedAgain(context, there))) return found(context, name);
  if (there) await removeContainer(engine, there.container.Id);

  for (const volume of wanted.service.volumes)
    await createVolume(engine, volumeName(target.place, volume.name), environmentLabels(target, installation));
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      await createAndStart(context, wanted, replica, name);
      return await found(context, name);
    } catch (error) {
      // Somebody else took the port or address between our look and the start: both are chosen anew.
      const taken = isDockerError(error) && /already (allocated|in use)/i.test(error.message);
      if (!taken || attempt === attempts) {
        if (!taken || !/port|bind/i.test(error.message)) throw error;
        throw await deployFailed(engine, {
          code: 'port_in_use',
          message: `No free loopback port was found for ${wanted.service.name}: ${error.message}`,
          service: wanted.service.name,
          hint: 'Other programs keep taking the ports of the range: free some or choose another range.',
        });
      }
      await removeContainer(engine, name);
    }
  }
}

async function createAndStart(
  context: ApplyContext,
  wanted: ServiceTarget,
  replica: number,
  name: string,
): Promise<void> {
  const { engine, target, place, installation, lease, signal } = context;
  const placement = await context.exclusively(async () => {
    const slot = freeSlot(context.takenSlots);
    if (slot === undefined) throw new Error(`${place.name} holds no more instances.`);
    context.takenSlots.add(slot);
    const inside = publishedPorts(wanted);
    const ports = await freeLoopbackPorts(engine, inside.length, context.ports, context.random);
    const pairs = inside.map((container, index) => [container, ports[index] ?? 0] as const);
    return { replica, slot, ports: pairs };
  });
  const body = containerBody(target, wanted, placement, { installation, lease });
  const id = await createContainer(engine, name, body, signal);
  const [names] = place.names;
  if (names)
    await connectNetwork(engine, names.network, id, {
      address: slotAddress(names.subnet, placement.slot),
      aliases: [],
    });
  await startContainer(engine, id, signal);
}

/** Starts what an earlier worker only created. False when it was made half. */
async function startedAgain({ engine, place, signal }: ApplyContext, { container }: Found): Promise<boolean> {
  if (!container.NetworkSettings.Networks[place.names[0]?.network ?? '']) return false;
  try {
    await startContainer(engine, container.Id, signal);
    return true;
  } catch (error) {
    if (isDockerError(error)) return false;
    throw error;
  }
}

async function found({ engine }: ApplyContext, name: string): Promise<Found> {
  const started = await findInstance(engine, name);
  if (!started) throw new Error(`The container ${name} is gone although it was just started.`);
  return started;
}
