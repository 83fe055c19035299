import { BuildFailed, buildFailure, isDigest, PlatformError, parseImageReference } from '@eve/domain';
import type { RegistryLogin, RegistryReader } from '@eve/operations';
import { attestationsOf, readStatement } from './attestations.ts';
import type { RepositoryActions } from './authorizations.ts';
import { type ClientOptions, registryClient } from './client.ts';
import { refusal } from './failure.ts';
import { accept, imagesOf, nameIn, type Repository, readManifest } from './manifests.ts';

/** Reads what registries really hold; every digest is that of the bytes that were read. */
export function registryReader(options: ClientOptions = {}): RegistryReader {
  const client = registryClient(options);

  const open = (
    text: string,
    login: RegistryLogin | null,
    signal: AbortSignal | undefined,
    actions: RepositoryActions = 'pull',
  ): Repository => {
    const reference = parseImageReference(text);
    if (!reference) throw new PlatformError('image_unknown', `${text} is not the name of an image.`);
    const { host, repository } = reference;
    return {
      reference,
      ask: (request) =>
        client(
          host,
          { login, scope: { repository, actions }, signal },
          { ...request, path: `${repository}/${request.path}` },
        ),
    };
  };

  return {
    async inspect(text, login, signal) {
      const repository = open(text, login, signal);
      const root = await readManifest(repository, nameIn(repository.reference));
      if (!root) return null;
      const images = await imagesOf(repository, root);
      const sizes = images.flatMap(({ config, layers }) => [config.size, ...layers.map(({ size }) => size)]);
      return {
        digests: {
          digest: root.digest,
          platforms: images.map(({ platform, digest, config }) => ({
            platform,
            manifest: digest,
            config: config.digest,
          })),
        },
        sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      };
    },

    async exists(text, login, signal) {
      const { reference, ask } = open(text, login, signal);
      const answer = await ask({ method: 'HEAD', path: `manifests/${nameIn(reference)}`, headers: { accept } });
      if (answer.status === 404) return false;
      if (answer.status !== 200) throw refusal(answer, reference);
      return true;
    },

    async layers(text, login, signal) {
      const repository = open(text, login, signal);
      const root = await readManifest(repository, nameIn(repository.reference));
      if (!root) return null;
      return (await imagesOf(repository, root)).map(({ platform, digest, config, layers }) => ({
        platform,
        manifest: digest,
        config: config.digest,
        layers: layers.map((layer) => layer.digest),
      }));
    },

    async attestations(text, login, signal) {
      const repository = open(text, login, signal);
      const root = await readManifest(repository, nameIn(repository.reference));
      if (!root) throw unknown(text);
      return attestationsOf(repository, root);
    },

    async attestation(text, digest, login, signal) {
      if (!isDigest(digest)) throw new PlatformError('image_unknown', `${digest.slice(0, 100)} is no digest.`);
      return readStatement(open(text, login, signal), digest);
    },

    async tag(text, tag, login, signal) {
      const repository = open(text, login, signal, 'pull,push');
      const { reference, ask } = repository;
      const stored = await readManifest(repository, nameIn(reference));
      if (!stored) throw unknown(text);
      const { mediaType, bytes: body } = stored;
      const answer = await ask({
        method: 'PUT',
        path: `manifests/${encodeURIComponent(tag)}`,
        headers: { 'content-type': mediaType },
        body,
        maxBytes: 65_536,
      });
      if (answer.status >= 300) throw refusal(answer, reference);
    },

    async remove(text, login, signal) {
      const { reference, ask } = open(text, login, signal, 'delete');
      if (!reference.digest)
        throw new PlatformError('image_unknown', `${text} names no digest: only those are removed.`);
      const answer = await ask({ method: 'DELETE', path: `manifests/${reference.digest}`, maxBytes: 65_536 });
      if (answer.status === 404) return false;
      if (answer.status === 405) {
        const message = `The registry ${reference.host} does not let images be removed.`;
        throw new BuildFailed(buildFailure('registry_error', message, { hint: 'Switch deletion on in the registry.' }));
      }
      if (answer.status >= 300) throw refusal(answer, reference);
      return true;
    },

    async admits(host, login, signal) {
      const access = { login, scope: null, signal };
      const answer = await client(host, access, { method: 'GET', path: '', maxBytes: 65_536 });
      if (answer.status === 401 || answer.status === 403) return false;
      if (answer.status !== 200) throw refusal(answer, { host, repository: 'its interface' });
      return true;
    },
  };
}

function unknown(text: string): PlatformError {
  return new PlatformError('image_unknown', `${text} is not in the registry.`);
}
