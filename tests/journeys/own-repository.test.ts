import { dockerGround } from './ground.ts';
import { testOwnRepository } from './own-repository.ts';

testOwnRepository(dockerGround);
