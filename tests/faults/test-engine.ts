const { EVE_TEST_DOCKER_HOST: host, EVE_TEST_NETWORK_POOL: pool } = process.env;

/**
 * The settings by which an Eve of these tests uses their engine: its host, and the addresses that its firewall lets reach each other.
 * Empty where each installation starts an engine of its own.
 */
export const testEngine: NodeJS.ProcessEnv = {
  ...(host && { DOCKER_HOST: host }),
  ...(host && pool && { EVE_NETWORK_POOL: pool }),
};
