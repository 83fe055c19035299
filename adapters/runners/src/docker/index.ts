export { type DockerRunnerOptions, dockerRunner } from './runner.ts';
