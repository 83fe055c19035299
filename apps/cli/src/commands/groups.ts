const work = 'Build, release, run:';
const setUp = 'Set up:';

/** The nouns, in the order of the help. */
export const groups: Readonly<Record<string, { about: string; heading: string }>> = {
  build: { about: 'what is built of a commit, each attempt and its images', heading: work },
  queue: { about: 'what runs and what waits, why, at which place', heading: work },
  release: { about: 'commit, manifest and image digests, frozen', heading: work },
  env: { about: 'where releases run: deploy, look, roll back', heading: work },
  deploy: { about: 'one attempt to bring a release to an environment', heading: work },
  pipeline: { about: 'the steps from a commit to a running release', heading: work },
  project: { about: 'a repository and what is made of it', heading: setUp },
  manifest: { about: 'the file .eve/manifest.yaml', heading: setUp },
  secrets: { about: 'values that builds and services need and nobody may see', heading: setUp },
  config: { about: 'the configuration of an environment, with its history', heading: setUp },
  auth: { about: 'log in to a server', heading: setUp },
  org: { about: 'organisations', heading: setUp },
  token: { about: 'API tokens', heading: setUp },
  local: { about: 'the Eve on this machine', heading: setUp },
};
