export { type DockerRunnerEvent, type DockerRunnerOptions, dockerRunner } from './runner.ts';
