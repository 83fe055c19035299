import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Subnet } from './subnet.ts';
import { chooseEngineNetwork, overlaps, parseSubnet } from './subnet.ts';

function subnet(text: string): Subnet {
  const parsed = parseSubnet(text);
  assert.ok(parsed, text);
  return parsed;
}

describe('parseSubnet', () => {
  it('reads an address with a prefix as the block that it lies in', () => {
    assert.deepEqual(parseSubnet('10.1.2.3/24'), { address: 0x0a010200, prefix: 24 });
  });

  it('reads a bare address as a block of one', () => {
    assert.deepEqual(parseSubnet('192.0.2.7'), { address: 0xc0000207, prefix: 32 });
  });

  for (const text of ['default', 'fe80::/64', '10.0.0.256/8', '10.0.0.0/33', 'undefined/undefined', '']) {
    it(`reads nothing from "${text}"`, () => {
      assert.equal(parseSubnet(text), null);
    });
  }
});

describe('overlaps', () => {
  it('is true when one block holds the other, either way round', () => {
    assert.equal(overlaps(subnet('10.0.0.0/8'), subnet('10.99.1.0/24')), true);
    assert.equal(overlaps(subnet('10.99.1.0/24'), subnet('10.0.0.0/8')), true);
  });

  it('is false for neighbours', () => {
    assert.equal(overlaps(subnet('10.98.0.0/16'), subnet('10.99.0.0/16')), false);
  });

  it('is true of everything and the whole of the addresses', () => {
    assert.equal(overlaps(subnet('0.0.0.0/0'), subnet('203.0.113.0/24')), true);
  });
});

describe('chooseEngineNetwork', () => {
  it('gives the bridge the first network and takes the others from the upper half', () => {
    assert.deepEqual(chooseEngineNetwork([], 0), {
      block: '10.64.0.0/16',
      bridgeAddress: '10.64.0.1/24',
      pool: '10.64.128.0/17',
    });
  });

  it('begins elsewhere for another seed', () => {
    assert.equal(chooseEngineNetwork([], 1)?.block, '10.65.0.0/16');
  });

  it('passes by a block of which a single address is used', () => {
    assert.equal(chooseEngineNetwork([subnet('10.64.200.9')], 0)?.block, '10.65.0.0/16');
  });

  it('leaves 10.0.0.0/8 when a route covers all of it', () => {
    assert.match(chooseEngineNetwork([subnet('10.0.0.0/8')], 5)?.block ?? '', /^172\./);
  });

  it('chooses nothing when every private block is used', () => {
    assert.equal(chooseEngineNetwork([subnet('10.0.0.0/8'), subnet('172.16.0.0/12')], 0), null);
  });
});
