import { readFile } from 'node:fs/promises';
import type { FailureCase } from './scene.ts';

const plan = { code: 'build_error', phase: 'plan', retry: false } as const;

/** Commits of which no image could be made, seen before anything is built. */
export const planCases: readonly FailureCase[] = [
  {
    name: 'there is no Dockerfile',
    files: { 'README.md': 'nothing to build' },
    expect: { ...plan, message: /no Dockerfile "Dockerfile" for service web/, hint: /dockerfile/ },
  },
  {
    name: 'the build context does not exist',
    manifest: 'services:\n  web:\n    build: ./apps/web\n',
    expect: { ...plan, message: /build context "apps\/web"/, hint: /services\.web\.build\.context/ },
  },
  {
    name: 'the build context is a link that leads out of the repository',
    manifest: 'services:\n  web:\n    build: ./out\n',
    links: { out: '/etc' },
    expect: { ...plan, message: /out/ },
  },
  {
    name: 'the Dockerfile is a link that leads out of the repository',
    links: { Dockerfile: '/etc/hostname' },
    expect: { ...plan, message: /Dockerfile/ },
  },
  {
    name: 'several services cannot be built, and all are named',
    manifest: 'services:\n  web:\n    build: ./web\n  api:\n    build: ./api\n',
    expect: { ...plan, message: /api[\s\S]*web|web[\s\S]*api/ },
  },
  {
    name: 'a build secret is not set',
    manifest: 'services:\n  web:\n    build:\n      context: .\n      secrets: [NPM_TOKEN]\n',
    files: { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' },
    expect: { ...plan, message: /NPM_TOKEN/, hint: /eve secrets set NPM_TOKEN -/ },
  },
  {
    name: 'the registry is "none" and the service names no image',
    manifest: 'registry: none\nservices:\n  web:\n    build: .\n',
    files: { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' },
    expect: { ...plan, message: /registry is "none"/ },
  },
  {
    name: 'the image lies in another project’s part of the registry',
    given: async ({ installation }) => {
      const text = await readFile(`${installation.dataDir}/installation.json`, 'utf8');
      const { ports } = JSON.parse(text) as { ports: { registry: number } };
      return {
        manifest: `services:\n  web:\n    image: 127.0.0.1:${ports.registry}/somebody/else/web\n    build: .\n`,
      };
    },
    files: { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' },
    expect: { ...plan, message: /outside the project/ },
  },
  {
    name: 'the test names a stage that the Dockerfile does not have',
    manifest: 'services:\n  web:\n    build:\n      context: .\n      test: { target: check }\n',
    files: { Dockerfile: 'FROM debian:12-slim\nRUN true\n' },
    expect: { ...plan, message: /check/, hint: /test/ },
  },
];
