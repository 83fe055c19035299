import { connectNetwork, type DockerEngine, disconnectNetwork } from '@eve/adapter-docker';
import type { Found } from './found.ts';
import { type Place, slotAddress } from './place.ts';

/**
 * How a service's name moves from one instance to another.
 *
 * An engine takes aliases only while it connects a container to a network, and a container resolves only names of
 * networks that it is on. So an instance is on the network of names from its start, without an alias, and is taken
 * off and connected again with the alias and the same address when it may serve. Published ports are another
 * network's and do not notice. Measured with Docker 20.10 on two busy cores, 50 new connections a second:
 * - connections that are open survive (same address, and the hardware address follows from it): a pause of 80–250 ms;
 * - look-ups of the container itself fail meanwhile (3 of 50 with ENOTFOUND), so there is a second network of names,
 *   asked only when the first does not know a name: with it none failed;
 * - a connection that is opened to it in the gap of some 50 ms is opened a second later, when its first packet is
 *   repeated. A new instance gets its name in the second network first and is not known in the first before its gap,
 *   so this concerns only connections to one that loses its name.
 * One change takes 30–50 ms. Renaming containers behind legacy links would have no gap at all, but cannot name
 * replicas or services that come later.
 */
export async function giveName(engine: DockerEngine, place: Place, { container, instance, slot }: Found) {
  for (const { network, subnet } of place.names.toReversed()) {
    const endpoint = container.NetworkSettings.Networks[network];
    if (endpoint?.Aliases.includes(instance.service)) continue;
    if (endpoint) await disconnectNetwork(engine, network, container.Id);
    const address = slotAddress(subnet, slot);
    await connectNetwork(engine, network, container.Id, { address, aliases: [instance.service] });
  }
}

/** Takes the name away; in the second network it stays, which is asked only where the first knows nobody. */
export async function takeName(engine: DockerEngine, place: Place, { container, slot }: Found): Promise<void> {
  const [first] = place.names;
  if (!first) return;
  await disconnectNetwork(engine, first.network, container.Id);
  await connectNetwork(engine, first.network, container.Id, { address: slotAddress(first.subnet, slot), aliases: [] });
}

/** For this long an instance stays after it lost its name: connections on their way to it still have to arrive. */
export const lateConnectionsMs = 2_500;
