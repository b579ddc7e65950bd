import { hostname } from 'node:os';
import { join } from 'node:path';

/** What only a defect says to a peer: stacks, files, names of errors and of the system's codes, values of JavaScript. */
const internals: readonly RegExp[] = [
  /\bat \S+ ?\(/,
  /\bat \S+:\d+/,
  /node_modules|node:[a-z_]+|file:\/\//,
  /\.(ts|js|mjs|cjs|proto|avsc|sqlite)\b/,
  /\b(Type|Range|Syntax|Reference|Aggregate|Assertion)Error\b|\bError:/,
  /\bERR_[A-Z_]+\b|\bE(CONN|NOENT|ACCES|PIPE|MFILE|ADDR)[A-Z]*\b/,
  /undefined|is not a function|is not iterable|\[object |Cannot (read|set|convert)/,
  /\b(SELECT|INSERT|UPDATE) |SQLITE|scrypt|postgres/i,
];

/** What a peer could learn nowhere else: where the gateway runs, and with which servers it works. */
const namesOfThisPlace: readonly string[] = [
  join(import.meta.dirname, '../../..'),
  ...(hostname().length > 4 ? [hostname()] : []),
  process.execPath,
];

/** Values that stand in a text between quotation marks, the last of which may be cut off: what the peer itself has sent. */
const quotedParts = /"(?:[^"\\]|\\.)*(?:"|$)/g;

/**
 * What is wrong with a text that a peer was told: anything but plain words is.
 *
 * @param secrets further texts that no peer may learn.
 */
export function flawOfText(text: string, secrets: readonly string[]): string | undefined {
  if (/\p{Cc}/u.test(text)) return 'a control character';
  const own = text.replace(quotedParts, '""');
  const internal = internals.find((pattern) => pattern.test(own));
  if (internal !== undefined) return `internal text (${internal})`;
  return flawOfBytes(Buffer.from(text), secrets);
}

/** The same for bytes that are no text, such as those of TLS: only what can't be there by chance. */
export function flawOfBytes(bytes: Buffer, secrets: readonly string[]): string | undefined {
  const known = [...namesOfThisPlace, ...secrets].find((secret) => bytes.includes(secret));
  if (known !== undefined) return `a secret (${known.slice(0, 3)}…)`;
  return bytes.includes('node:internal') || bytes.includes('node_modules') ? 'a stack' : undefined;
}
