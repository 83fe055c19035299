import { type Cluster, openCluster } from './cluster.ts';

/** The cluster that these tests have to themselves, whose servers may be killed; else the reason why there is none. */
export async function ownCluster(): Promise<Cluster | { missing: string }> {
  const { EVE_TEST_CLUSTER: directory } = process.env;
  if (!directory) return { missing: 'EVE_TEST_CLUSTER names no cluster that belongs to these tests alone' };
  return openCluster(directory);
}
