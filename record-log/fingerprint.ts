import { createHash } from 'node:crypto';
import { headersOf } from '../gateway/record-batch/header-array.ts';

/** All of a record that a copy has in common with it. */
export interface RecordContent {
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** A header array, its count included. */
  readonly headers: Buffer;
}

/** The same for records with the same content, also when a broker has encoded one of them anew. */
export function fingerprint({ timestampMs, key, value, headers }: RecordContent): string {
  const hash = createHash('sha1');
  const add = (bytes: Buffer | null): void => {
    const length = Buffer.allocUnsafe(4);
    length.writeInt32BE(bytes?.length ?? -1);
    hash.update(length);
    if (bytes !== null) hash.update(bytes);
  };
  add(Buffer.from(String(timestampMs)));
  add(key);
  add(value);
  for (const [name, content] of headersOf(headers)) {
    add(Buffer.from(name));
    add(content);
  }
  return hash.digest('base64');
}
