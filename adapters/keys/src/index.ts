export { type MasterKey, masterKey } from './envelope.ts';
export { keyFileVault, vault } from './vault.ts';
