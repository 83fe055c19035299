import assert from 'node:assert/strict';
import { it } from 'node:test';
import { listeningHint, parseListeners } from './listening.ts';

const tables = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0B00007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
   1: 00000000000000000000000000000000:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
`;

it('reads who listens where, without connections and the name server of the engine', () => {
  assert.deepEqual(parseListeners(tables), [
    { port: 80, loopback: false },
    { port: 3000, loopback: true },
    { port: 3001, loopback: false },
    { port: 8080, loopback: true },
  ]);
});

it('says what has to change so that a service is reached', () => {
  const should = 'It has to listen on 0.0.0.0:3000 (the variable PORT says so)';

  assert.equal(listeningHint(3000, null), `${should}, not on localhost.`);
  assert.equal(listeningHint(3000, []), `${should}; it listens on no port.`);
  assert.equal(listeningHint(3000, [{ port: 3000, loopback: true }]), `${should}; it listens on localhost:3000 only.`);
  assert.equal(listeningHint(3000, [{ port: 3000, loopback: false }]), '');
  assert.equal(
    listeningHint(3000, [
      { port: 80, loopback: false },
      { port: 81, loopback: true },
    ]),
    `${should}; it listens on 80, localhost:81.`,
  );
});
