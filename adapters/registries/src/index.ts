export { type RegistryOptions, type RunningRegistry, startRegistry, stopRegistry } from './distribution.ts';
export { openLoginKey, type RegistryLoginOptions, readLoginKey, registryLogins } from './logins.ts';
export { registryReader } from './oci/reader.ts';
export { type RegistryConfigOptions, registryConfig } from './registry-config.ts';
export type { RegistryContainerOptions } from './registry-container.ts';
export { registryStorage } from './registry-storage.ts';
export { certificateFile, readSigningKey } from './token/keys.ts';
export { registryTokens, tokenIssuer } from './token/tokens.ts';
