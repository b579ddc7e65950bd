import { createReadStream } from 'node:fs';
import { noHash, readChained, resumedAction, sha256 } from './audit-record.ts';

/** What a file of audit records came to. */
export interface ChainVerdict {
  readonly records: number;
  /** `hash` of the last record: noted elsewhere, it shows later whether the end was cut off. */
  readonly head: string;
  /** Lines that are no whole records, each explained by the record behind it. */
  readonly tornLines: number;
  /** Where the chain breaks first; undefined: nowhere. */
  readonly broken: { readonly line: number; readonly problem: string } | undefined;
  /** Whether the hash that was asked for is that of a record. */
  readonly holdsExpected: boolean;
}

/** No line that was written here is as long. */
const longestLineBytes = 65_536;
/** Nor does the gateway continue a chain behind more than this. */
const mostTornBytes = 65_536;

/**
 * Follows the chain from the first record to the last. Finds records that were changed, put in, taken out or put elsewhere.
 * That the last ones were cut off it can't see: for that, a hash that was noted before is looked for.
 *
 * @param lines without their line breaks.
 */
export async function verifyChain(
  lines: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  expectedHash?: string,
): Promise<ChainVerdict> {
  const chain = new Chain();
  let holdsExpected = expectedHash === undefined;
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const problem = chain.add(line);
    if (problem !== undefined) return { ...chain.verdict, broken: { line: number, problem }, holdsExpected };
    if (chain.verdict.head === expectedHash) holdsExpected = true;
  }
  const problem = chain.end();
  return { ...chain.verdict, broken: problem === undefined ? undefined : { line: number, problem }, holdsExpected };
}

class Chain {
  #records = 0;
  #tornLines = 0;
  #head = noHash;
  #chain: string | undefined;
  /** Lines that are no records, and must be explained by the next one that is. */
  readonly #torn: Uint8Array[] = [];
  #tornBytes = 0;

  get verdict() {
    return { records: this.#records, head: this.#head, tornLines: this.#tornLines };
  }

  /** @returns what is wrong with the line. */
  add(line: Uint8Array): string | undefined {
    const text = Buffer.from(line).toString('utf8');
    const record = readChained(text);
    if (record === undefined) return this.#addTorn(line);
    if (this.#torn.length > 0 && !explains(text, this.#torn)) {
      return 'the line before this one is no record, or was changed';
    }
    if (record.seq !== this.#records + 1) return `its number is ${record.seq}, and should be ${this.#records + 1}`;
    if (record.prev !== this.#head) return 'it does not follow the record before it';
    if (this.#chain !== undefined && record.chain !== this.#chain) return 'it is of another chain';
    this.#tornLines += this.#torn.length;
    this.#torn.length = 0;
    this.#tornBytes = 0;
    this.#chain = record.chain;
    this.#records = record.seq;
    this.#head = record.hash;
    return undefined;
  }

  #addTorn(line: Uint8Array): string | undefined {
    this.#torn.push(line);
    this.#tornBytes += line.length + 1;
    return this.#tornBytes > mostTornBytes ? 'it is no record, and neither are those before it' : undefined;
  }

  /** @returns what is wrong with the end. */
  end(): string | undefined {
    return this.#torn.length === 0 ? undefined : 'the last line is no record: changed, or being written';
  }
}

/** Whether the record says that it has found these lines. */
function explains(text: string, torn: readonly Uint8Array[]): boolean {
  const { action, detail } = JSON.parse(text) as { action: string; detail?: { tornSha256?: unknown } };
  const found = Buffer.concat(torn.flatMap((line, index) => (index === 0 ? [line] : [Buffer.from('\n'), line])));
  return action === resumedAction && detail?.tornSha256 === sha256(found);
}

/** The lines of a file, as bytes: what was hashed. */
export async function* readLines(path: string): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    let bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a)) {
      yield bytes.subarray(0, at);
      bytes = bytes.subarray(at + 1);
    }
    // Longer than any record: cut, which makes two lines of it that are none.
    if (bytes.length > longestLineBytes) {
      yield bytes;
      bytes = Buffer.alloc(0);
    }
    rest = bytes;
  }
  if (rest.length > 0) yield rest;
}
