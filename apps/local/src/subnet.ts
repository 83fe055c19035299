/** A block of IPv4 addresses, as number and prefix length. */
export interface Subnet {
  readonly address: number;
  readonly prefix: number;
}

/** The addresses of one engine: its bridge, and where networks of environments are taken from. */
export interface EngineNetwork {
  /** All of the engine's addresses, such as `10.99.0.0/16`. */
  readonly block: string;
  /** The bridge's own address with its prefix, such as `10.99.0.1/24`. */
  readonly bridgeAddress: string;
  /** The upper half of the block, one /24 per network. */
  readonly pool: string;
}

/** Reads `10.1.2.3/24` or a bare address; null for anything else, IPv6 and `default` included. */
export function parseSubnet(text: string): Subnet | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text);
  if (!match) return null;
  const prefix = Number(match[5] ?? 32);
  const parts = match.slice(1, 5).map(Number);
  if (prefix > 32 || parts.some((part) => part > 255)) return null;
  const address = parts.reduce((sum, part) => sum * 256 + part, 0);
  return { address: address - (address % 2 ** (32 - prefix)), prefix };
}

/** Whether two blocks have an address in common. */
export function overlaps(one: Subnet, other: Subnet): boolean {
  const size = 2 ** (32 - Math.min(one.prefix, other.prefix));
  return Math.floor(one.address / size) === Math.floor(other.address / size);
}

/**
 * Chooses a private /16 that nothing on the machine uses. Where the search begins depends on `seed`, so that
 * installations that start at the same time choose different ones.
 */
export function chooseEngineNetwork(used: readonly Subnet[], seed: number): EngineNetwork | null {
  const candidates = [
    ...rotated(range(64, 255), seed).map((second) => ({ first: 10, second })),
    ...rotated(range(17, 31), seed).map((second) => ({ first: 172, second })),
  ];
  for (const { first, second } of candidates) {
    const block = { address: (first * 256 + second) * 65_536, prefix: 16 };
    if (!used.some((other) => overlaps(block, other))) return engineNetwork(`${first}.${second}`);
  }
  return null;
}

function engineNetwork(start: string): EngineNetwork {
  return { block: `${start}.0.0/16`, bridgeAddress: `${start}.0.1/24`, pool: `${start}.128.0/17` };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function rotated(values: readonly number[], seed: number): number[] {
  const start = seed % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}
