import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isClosedAddress } from '@eve/adapter-process';
import { publicAddresses } from './address-guard.ts';

for (const address of [
  ...['127.0.0.1', '0.0.0.0', '10.1.2.3', '172.31.0.1', '192.168.0.1', '169.254.169.254', '100.64.0.1', '224.0.0.1'],
  ...['255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1'],
  ...['2002:7f00:1::', 'no address'],
])
  it(`${address} is not for builds`, () => {
    assert.equal(isClosedAddress(address), true);
  });

for (const address of ['93.184.216.34', '172.32.0.1', '2606:2800:220:1::1', '::ffff:93.184.216.34'])
  it(`${address} is public`, () => {
    assert.equal(isClosedAddress(address), false);
  });

it('a host is refused when any of its addresses is not public', async () => {
  assert.deepEqual(await publicAddresses('a.example', async () => ['93.184.216.34']), ['93.184.216.34']);
  await assert.rejects(
    publicAddresses('a.example', async () => ['93.184.216.34', '::1']),
    { code: 'source_refused' },
  );
  await assert.rejects(publicAddresses('[::1]'), { code: 'source_refused' });
  await assert.rejects(publicAddresses('2130706433'), { code: 'source_refused' });
  await assert.rejects(
    publicAddresses('a.example', async () => []),
    { code: 'source_unreachable' },
  );
});
