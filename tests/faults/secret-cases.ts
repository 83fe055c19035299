import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, normalize } from 'node:path';
import { git } from '../../apps/cli/testing/repository.ts';
import type { Defer, FailureCase, Given } from '../failures/scene.ts';
import { failingRegistry, serving } from '../failures/servers.ts';
import { type Canary, canary, knownCanary } from './canaries.ts';

/** A registry's user whose password is a canary, as bcrypt has it. */
export const registryUser = {
  username: 'someone',
  password: 'c4nary0r3g1stryp4ssw0rd:/+&',
  htpasswd: 'someone:$2y$05$abcdefghijklmnopqrstuubgolJxdQ8.AE1qeEMWPB8dzkW3df1Pe\n',
} as const;

const internalKey = canary('EVE_INTERNAL_API_KEY', 'internal/#+&');
const masterKey = canary('EVE_MASTER_KEY', '#-mastk').value;

/** One canary for each place where a secret lives. */
export const canaries = {
  buildToken: canary('BUILD_TOKEN', `it's "#"+/=&<%>\\ ü!`),
  buildKey: canary(
    'BUILD_KEY',
    '-----BEGIN OPENSSH PRIVATE KEY-----\n#A+/\n#B+/\n#=\n-----END OPENSSH PRIVATE KEY-----\n',
  ),
  runSecret: canary('RUN_SECRET', `p@ss'w0rd:#/"q" $x`),
  gitToken: canary('GITHUB_TOKEN', 'ghp_#'),
  wrongGitToken: canary('wrong GITHUB_TOKEN', 'ghp_#/+&"\''),
  registryPassword: knownCanary('REGISTRY_PASSWORD', registryUser.password, ['c4nary0r3g1stryp4ssw0rd']),
  wrongRegistryPassword: canary('wrong REGISTRY_PASSWORD', '#:"+/&'),
  webhook: canary('WEBHOOK_SECRET', 'whsec_#/+"\n#&'),
  internalKey,
  masterKey: knownCanary('EVE_MASTER_KEY', Buffer.from(masterKey).toString('base64'), [masterKey]),
} satisfies Record<string, Canary>;

/** Prints the build secrets in every way in which programs print such things. */
const print = String.raw`
# A value that is taken apart cannot be told from other text: this only has to do no harm.
perl -0777 -pe 'substr($_, 20, 0) = "\n"' /run/secrets/BUILD_TOKEN
for secret in BUILD_TOKEN BUILD_KEY; do
  file=/run/secrets/$secret
  cat $file; echo
  cat $file >&2; echo >&2
  base64 $file
  base64 -w0 $file; echo
  { printf x; cat $file; } | base64 -w0; echo
  { printf xy; cat $file; echo; } | base64 -w0; echo
  base64 -w0 $file | tr +/ -_ ; echo
  perl -0777 -pe 's/([^A-Za-z0-9_.~-])/sprintf("%%%02X", ord $1)/ge' $file; echo
  perl -0777 -pe 's/([^A-Za-z0-9_.~-])/sprintf("%%%02x", ord $1)/ge' $file; echo
  perl -0777 -pe 's/([\\"])/\\$1/g; s/\n/\\n/g' $file; echo
  perl -0777 -pe 's/([\\"\/])/\\$1/g; s/\n/\\n/g' $file; echo
  perl -0777 -pe 's/([\\"])/\\$1/g; s/\n/\\n/g; s/([<>&])/sprintf("\\u%04x", ord $1)/ge' $file; echo
  head -c 14 $file; sleep 0.2; tail -c +15 $file; echo
  printf "downloading 10%%\r"; cat $file; printf "\rdone\n"
done
echo printed-everything
`;

const mounts = '--mount=type=secret,id=BUILD_TOKEN,required=true --mount=type=secret,id=BUILD_KEY,required=true';
const printing = (after: string) => `FROM debian:12-slim\nCOPY print.sh /\nRUN ${mounts} sh /print.sh${after}\n`;
const built = 'build: { context: ., secrets: [BUILD_TOKEN, BUILD_KEY] }';
const manifest = `services:\n  web:\n    ${built}\n`;
const atRegistry = (services: string) => `registry:\n  host: REGISTRY\n  namespace: acme\n${services}`;
/** An image of a shell and little more, since all of it is pushed and searched: secrets are read in it, and in what it is made of. */
const shipped = `${printing('')}RUN mkdir /small && cp --parents --dereference /bin/sh /usr/bin/base64 /usr/bin/sleep /small && \\
  cp --parents --dereference $(ldd /bin/sh | grep -o '/[^ ]*') /small
FROM scratch
COPY --from=0 /small /
RUN ${mounts} base64 /run/secrets/BUILD_KEY > /dev/null && base64 /run/secrets/BUILD_TOKEN
CMD ["sh", "-c", "printf '%s\\\\n' \\"$RUN_SECRET\\"; printf %s \\"$RUN_SECRET\\" | base64; test -z \\"$FAILS\\" || exit 3; exec sleep 600"]
`;

const value = ({ value: secret }: Canary) => secret;
const buildSecrets = { BUILD_TOKEN: value(canaries.buildToken), BUILD_KEY: value(canaries.buildKey) };
const withPassword = (password: string) => ({
  ...buildSecrets,
  REGISTRY_USERNAME: registryUser.username,
  REGISTRY_PASSWORD: password,
});
const retryOnce = { retry_policy: { max_retries: 1, initial_delay: '1s' } };

/** What is built; each of these has its own end. `expect` is for cases of which only the failure matters. */
export type SecretCase = Omit<FailureCase, 'expect'> & { readonly ends: string };

/** Builds that succeed, fail, are tried again and are cancelled, all with secrets; `registry` is one with a login. */
export function secretCases(registry: string): readonly SecretCase[] {
  const rejected = value(canaries.wrongRegistryPassword);
  return [
    {
      name: 'shipped',
      manifest: atRegistry(
        `services:\n  web:\n    ${built}\n    environment: { RUN_SECRET: '\${secret.RUN_SECRET}', CANARY_SERVICE: web }\n`,
      ),
      files: { Dockerfile: shipped, 'print.sh': print },
      given: async ({ installation }, defer) => ({
        host: registry,
        secrets: {
          ...withPassword(registryUser.password),
          GITHUB_TOKEN: value(canaries.gitToken),
          RUN_SECRET: value(canaries.runSecret),
        },
        repoUrl: `http://${await gitServer(join(installation.dataDir, 'cases'), defer)}/1/.git`,
      }),
      ends: 'completed',
    },
    {
      name: 'a step fails while it prints secrets',
      manifest,
      files: { Dockerfile: printing(' && cat /run/secrets/* && exit 7'), 'print.sh': print },
      given: async () => ({ secrets: buildSecrets }),
      ends: 'failed: build_error',
    },
    {
      name: 'cancelled',
      manifest,
      files: { Dockerfile: printing(' && sleep 120'), 'print.sh': print },
      given: async () => ({ secrets: buildSecrets }),
      ends: 'cancelled',
    },
    {
      name: 'tried again',
      manifest: atRegistry(manifest),
      files: { Dockerfile: printing(''), 'print.sh': print },
      inputs: retryOnce,
      given: async () => ({ host: '127.0.0.1:9', secrets: withPassword(registryUser.password) }),
      ends: 'failed: registry_error',
    },
    {
      name: 'the wrong password',
      manifest: atRegistry(manifest),
      files: { Dockerfile: printing(''), 'print.sh': print },
      given: async () => ({ host: registry, secrets: withPassword(rejected) }),
      ends: 'failed: auth_error',
    },
    {
      name: 'a registry that says back what it was sent',
      manifest: atRegistry(manifest),
      files: { Dockerfile: printing(''), 'print.sh': print },
      given: async (_, defer) => {
        const login = Buffer.from(`${registryUser.username}:${rejected}`).toString('base64');
        const body = JSON.stringify({ errors: [{ code: 'DENIED', message: `who is ${rejected}, ${login}?` }] });
        const refuses = (method: string) => method === 'POST';
        return { host: await failingRegistry(refuses, [403, {}, body], defer), secrets: withPassword(rejected) };
      },
      ends: 'failed: auth_error',
    },
    {
      name: 'a repository that says back what it was sent',
      manifest,
      files: { Dockerfile: printing('') },
      given: (_, defer) => echoingRepository(defer),
      ends: 'failed: auth_error',
    },
  ];
}

/** Refuses every login, and tells everybody which one it was. */
async function echoingRepository(defer: Defer): Promise<Given> {
  const host = await serving((request, answer) => {
    const { authorization = '' } = request.headers;
    if (!authorization) return answer.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    const login = Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
    return answer
      .writeHead(403, { 'content-type': 'text/plain' })
      .end(`no ${login}\nno ${encodeURIComponent(login)} ${authorization}\n`);
  }, defer);
  return {
    repoUrl: `http://${host}/acme/shop.git`,
    secrets: { ...buildSecrets, GITHUB_TOKEN: value(canaries.wrongGitToken) },
  };
}

/** Serves repositories below a directory as files, to who has the token. */
async function gitServer(directory: string, defer: Defer): Promise<string> {
  const expected = `Basic ${Buffer.from(`x-access-token:${value(canaries.gitToken)}`).toString('base64')}`;
  return serving(async (request, answer) => {
    if (request.headers.authorization !== expected)
      return answer.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
    const { pathname } = new URL(request.url ?? '/', 'http://git');
    const file = join(directory, normalize(pathname));
    if (pathname.endsWith('/info/refs')) await git(join(file, '..', '..', '..'), 'update-server-info');
    const found = await stat(file).catch(() => null);
    if (!found?.isFile()) return answer.writeHead(404).end();
    return createReadStream(file).pipe(answer);
  }, defer);
}
