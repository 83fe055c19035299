import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Deployer } from '../src/index.ts';
import { type ContractImage, contractPlace } from './deployer-target.ts';

export interface DeployerUnderTest extends AsyncDisposable {
  /** Gives a service up after about 3 seconds when its checks ask for no more. */
  readonly deployer: Deployer;
  readonly image: ContractImage;
}

/** Answers with the reason when there is no real thing here. */
export type OpenDeployer = () => Promise<DeployerUnderTest | { missing: string }>;

/** A test in a place of its own, of which nothing may be left. */
export type InPlace = (
  sentence: string,
  act: (deployer: Deployer, place: ReturnType<typeof contractPlace>) => Promise<void>,
) => void;

export const never = new AbortController().signal;

/** Opens a deployer for a part of the contract, and closes it after that. */
export function describeDeployer(name: string, open: OpenDeployer, tests: (inPlace: InPlace) => void): void {
  describe(`the deployer ${name}`, { timeout: 300_000 }, () => {
    let opened: Awaited<ReturnType<OpenDeployer>> = { missing: 'it was not opened' };
    before(async () => {
      opened = await open();
    });
    after(async () => {
      if (!('missing' in opened)) await opened[Symbol.asyncDispose]();
    });

    tests((sentence, act) =>
      it(sentence, async (test) => {
        if ('missing' in opened) return test.skip(opened.missing);
        const { deployer, image } = opened;
        const place = contractPlace(image);
        try {
          await act(deployer, place);
        } finally {
          await deployer.removeEnvironment(place.environmentId, { volumes: true }, never);
          assert.deepEqual(await deployer.observe(place.environmentId), []);
        }
      }),
    );
  });
}
