import { after, afterEach, before, beforeEach } from 'node:test';
import { type TestDatabase, testDatabase } from '@eve/adapter-postgres/testing';
import { type Runtime, type TestPlatform, testPlatform } from './platform.ts';
import { type SampleProject, sampleProject } from './sample-project.ts';

/** What each test of a file has. */
export interface Scene {
  /** Shared by the tests of the file, empty when one begins. */
  readonly db: TestDatabase;
  readonly test: TestPlatform;
  readonly shop: SampleProject;
}

/** Gives every test of the file that calls this a platform with a sample project, on one database, and checks the invariants after it. */
export function eachOnSampleProject(give: (scene: Scene) => void, runtime: Runtime = {}): void {
  let db: TestDatabase;
  let test: TestPlatform;
  before(async () => {
    db = await testDatabase();
  });
  after(() => db[Symbol.asyncDispose]());
  beforeEach(async () => {
    test = await testPlatform({}, db, runtime);
    give({ db, test, shop: await sampleProject(test) });
  });
  afterEach(() => test[Symbol.asyncDispose]());
}
