const millisecondsPer = { ms: 1n, s: 1000n, min: 60_000n, h: 3_600_000n, d: 86_400_000n } as const;
const bytesPer = { B: 1n, KiB: 1024n, MiB: 1_048_576n } as const;

export const durationPattern = '^([1-9][0-9]{0,8} (ms|s|min|h|d)|unlimited)$';
export const durationRule = 'a time like 7 d, 24 h, 30 min, 10 s, 500 ms, or unlimited';
export const sizePattern = '^[1-9][0-9]{0,9} (B|KiB|MiB)$';
export const sizeRule = 'a size like 1 MiB, 512 KiB, 1048588 B';

/** Milliseconds of a text that fits `durationPattern`; undefined: unlimited. */
export function parseDuration(text: string): bigint | undefined {
  if (text === 'unlimited') return undefined;
  return product(text, millisecondsPer);
}

/** Bytes of a text that fits `sizePattern`. */
export const parseSize = (text: string): bigint => product(text, bytesPer);

/** The shortest exact way to write a time: 7 d, not 168 h. */
export const showDuration = (milliseconds: bigint): string => inLargestUnit(milliseconds, millisecondsPer);

/** The shortest exact way to write a size: 1 MiB, 1048588 B. */
export const showSize = (bytes: bigint): string => inLargestUnit(bytes, bytesPer);

function product(text: string, units: Readonly<Record<string, bigint>>): bigint {
  const [number, unit] = text.split(' ');
  const factor = units[unit ?? ''];
  if (number === undefined || factor === undefined) throw new RangeError(`"${text}" has none of the units`);
  return BigInt(number) * factor;
}

function inLargestUnit(amount: bigint, units: Readonly<Record<string, bigint>>): string {
  const descending = Object.entries(units).reverse();
  const [name, factor] = descending.find(([, unit]) => amount !== 0n && amount % unit === 0n) ?? ['', 0n];
  return factor === 0n ? `0 ${descending.at(-1)?.[0] ?? ''}` : `${amount / factor} ${name}`;
}
