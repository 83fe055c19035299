import { testRegistry } from '@eve/adapter-process/testing';
import type { FailureCase } from './scene.ts';
import { alwaysAnswering } from './servers.ts';

const build = { code: 'build_error', phase: 'build', retry: false } as const;
const base = 'FROM debian:12-slim';
const dockerfile = (...lines: string[]) => ({ Dockerfile: `${lines.join('\n')}\n` });

/** Dockerfiles that do not come to an image. */
export const dockerfileCases: readonly FailureCase[] = [
  {
    name: 'a step fails whose output tells of 401 and a timeout',
    files: dockerfile(base, 'RUN echo "401 Unauthorized"; echo "connection timeout"; echo "git clone failed"; exit 7'),
    expect: { ...build, message: /failed with exit code 7 at \[.*2\/2\] RUN echo/, step: /RUN echo "401/ },
  },
  {
    name: 'a step fails in a named stage',
    files: dockerfile(`${base} AS deps`, 'RUN true', 'RUN seq 1 50; exit 3', base, 'COPY --from=deps /etc/hostname /x'),
    expect: { ...build, message: /exit code 3 at \[deps 3\/3\] RUN seq 1 50/, step: /^\[deps 3\/3\]/ },
  },
  {
    name: 'a program is not there',
    files: dockerfile(base, 'RUN pnpm-of-nowhere install'),
    expect: {
      ...build,
      message: /exit code 127 at .*pnpm-of-nowhere/,
      hint: /not (?:found|there|in the image)|install/i,
    },
  },
  {
    name: 'a program may not be executed',
    files: dockerfile(base, 'RUN touch /x && /x'),
    expect: { ...build, message: /exit code 126/ },
  },
  {
    name: 'a step is ended by a signal although there is memory',
    files: dockerfile(base, 'RUN sh -c "kill -TERM \\$\\$"'),
    expect: { ...build, message: /exit code 143/ },
  },
  {
    name: 'a package manager is refused by its own registry',
    files: dockerfile(base, 'RUN echo "npm ERR! code E403"; echo "npm ERR! 403 Forbidden"; exit 1'),
    expect: { ...build, message: /exit code 1 at/ },
  },
  {
    name: 'COPY names a file that is not in the context',
    files: dockerfile(base, 'COPY dist/app.js /app.js'),
    expect: { ...build, message: /COPY dist\/app\.js/, hint: /\/dist.* is not in the build context/ },
  },
  {
    name: 'COPY names a file that is ignored',
    files: { ...dockerfile(base, 'COPY app.js /app.js'), 'app.js': '1', '.dockerignore': 'app.js\n' },
    expect: { ...build, message: /app\.js/, hint: /\.dockerignore/ },
  },
  {
    name: 'an instruction is not known',
    files: dockerfile(base, 'RUNN true'),
    expect: { ...build, phase: 'plan', message: /line 2: .*RUNN/ },
  },
  {
    name: 'an instruction lacks its words',
    files: dockerfile(base, 'COPY'),
    expect: { ...build, phase: 'plan', message: /line 2.*COPY requires/ },
  },
  {
    name: 'the Dockerfile is empty',
    files: { Dockerfile: '# nothing\n' },
    expect: { ...build, phase: 'plan', message: /no instructions/, hint: /FROM/ },
  },
  {
    name: 'FROM has no name',
    files: dockerfile('ARG BASE', `FROM \${BASE}`),
    expect: { ...build, message: /base name|FROM|empty|blank/i },
  },
  {
    name: 'the target is no stage of the Dockerfile',
    manifest: 'services:\n  web:\n    build: { context: ., target: production }\n',
    files: dockerfile(`${base} AS prod`),
    expect: { ...build, phase: 'plan', message: /production/, hint: /target/ },
  },
  {
    name: 'the base image does not exist in its registry',
    files: dockerfile('FROM REGISTRY/no/such:1', 'RUN true'),
    given: async (_, defer) => {
      const registry = await testRegistry();
      defer(() => registry[Symbol.asyncDispose]());
      return { host: registry.host };
    },
    expect: { ...build, message: /base image .*no\/such:1 does not exist/, hint: /FROM/ },
  },
  {
    name: 'the registry of the base image is away',
    files: dockerfile('FROM 127.0.0.1:9/no/such:1', 'RUN true'),
    expect: {
      code: 'registry_error',
      phase: 'build',
      message: /127\.0\.0\.1:9\/no\/such:1/,
      retry: true,
      retryClass: 'network',
    },
  },
  {
    name: 'the base image needs credentials',
    files: dockerfile('FROM REGISTRY/closed/image:1', 'RUN true'),
    given: async (_, defer) => ({
      host: await alwaysAnswering(401, { 'www-authenticate': 'Basic realm="closed"' }, defer),
    }),
    expect: { code: 'auth_error', phase: 'build', message: /closed\/image:1/, hint: /REGISTRY_USERNAME/, retry: false },
  },
  {
    name: 'the registry of the base image limits its rate',
    files: dockerfile('FROM REGISTRY/busy/image:1', 'RUN true'),
    given: async (_, defer) => ({ host: await alwaysAnswering(429, { 'retry-after': '30' }, defer) }),
    expect: {
      code: 'registry_error',
      phase: 'build',
      message: /busy\/image:1/,
      retry: true,
      retryClass: 'registry_rate_limit',
    },
  },
  {
    name: 'a stage that is copied from does not exist',
    files: dockerfile(base, 'COPY --from=127.0.0.1:9/builder:1 /x /x'),
    expect: { code: 'registry_error', phase: 'build', message: /127\.0\.0\.1:9/, retry: true, retryClass: 'network' },
  },
  {
    name: 'the frontend that the Dockerfile asks for cannot be had',
    files: dockerfile('# syntax=127.0.0.1:9/docker/dockerfile:1', base),
    expect: { code: 'registry_error', phase: 'build', message: /127\.0\.0\.1:9/, retry: true, retryClass: 'network' },
  },
  {
    name: 'a step mounts a secret that the service does not list',
    files: dockerfile(base, 'RUN --mount=type=secret,id=NPM_TOKEN,required=true cat /run/secrets/NPM_TOKEN'),
    expect: { ...build, message: /NPM_TOKEN/, hint: /build\.secrets/ },
  },
  {
    name: 'a step asks for a host that is not known',
    files: dockerfile(base, 'RUN getent hosts nowhere.invalid || exit 6'),
    expect: { ...build, message: /exit code 6 at/ },
  },
  {
    name: 'shared memory of a step is full',
    files: dockerfile(base, 'RUN dd if=/dev/zero of=/dev/shm/full bs=1M count=200'),
    expect: {
      code: 'resource_error',
      phase: 'build',
      message: /exit code 1 at/,
      hint: /disk|space/,
      retry: true,
      retryClass: 'temporary_resource',
    },
  },
  {
    name: 'the test command fails',
    manifest: 'services:\n  web:\n    build: { context: ., test: "echo 3 of 40 tests failed; exit 4" }\n',
    files: dockerfile(base, 'RUN true'),
    expect: { ...build, phase: 'test', message: /exit code 4/, step: /3 of 40 tests failed/, hint: /test/ },
  },
  {
    name: 'the test target fails',
    manifest: 'services:\n  web:\n    build: { context: ., target: app, test: { target: check } }\n',
    files: dockerfile(`${base} AS app`, 'RUN true', 'FROM app AS check', 'RUN echo not ok 1; exit 5'),
    expect: { ...build, phase: 'test', message: /exit code 5 at \[check/, hint: /test/ },
  },
  {
    name: 'the test hangs for longer than the build may take',
    manifest: 'services:\n  web:\n    build: { context: ., timeout: 3s, test: "sleep 600" }\n',
    files: dockerfile(base, 'RUN true'),
    expect: { code: 'timeout_error', phase: 'build', message: /3 s/, hint: /build\.timeout/, retry: false },
  },
  {
    name: 'a step takes longer than the build may take',
    manifest: 'services:\n  web:\n    build: { context: ., timeout: 3s }\n',
    files: dockerfile(base, 'RUN sleep 600'),
    expect: { code: 'timeout_error', phase: 'build', message: /3 s/, hint: /build\.timeout/, retry: false },
  },
  {
    name: 'one service of two fails, and the other one is kept',
    manifest:
      'services:\n  web:\n    build: { context: ., target: good }\n  api:\n    build: { context: ., target: bad }\n',
    files: dockerfile(`${base} AS good`, 'RUN true', `${base} AS bad`, 'RUN sleep 1; exit 9'),
    expect: { ...build, message: /exit code 9 at \[bad 2\/2\]/ },
  },
];
