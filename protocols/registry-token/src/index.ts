export { type RegistryTokenPlatform, registryTokenRoutes } from './routes.ts';
