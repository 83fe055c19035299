import { testOwnRepository } from '../journeys/own-repository.ts';
import { kubernetesGround } from './ground.ts';

testOwnRepository(kubernetesGround);
