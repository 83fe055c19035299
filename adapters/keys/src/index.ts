export { openMasterKey } from './master-key.ts';
export { type MasterKey, vault } from './vault.ts';
