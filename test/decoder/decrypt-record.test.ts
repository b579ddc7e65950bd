import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headerArray, noteRecord } from '../../dead-letters/notes.ts';
import {
  associatedData,
  asWritten,
  DecryptionError,
  isEncrypted,
  isReplayNote,
  type ReceivedRecord,
  RecordDecrypter,
} from '../../decoder/decrypt-record.ts';
import { AssociatedData } from '../../gateway/encryption/associated-data.ts';
import { headersOf } from '../../gateway/record-batch/header-array.ts';

interface Vector {
  readonly what: string;
  readonly dataKey: string;
  readonly derivedKey: string;
  readonly associatedData: string;
  readonly topic: string;
  readonly key: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
  readonly value: string;
  readonly plaintext: string;
}

const vectors = JSON.parse(readFileSync(join(import.meta.dirname, '../../decoder/vectors.json'), 'utf8')) as Vector[];

const recordOf = ({ topic, key, headers, value }: Vector): ReceivedRecord => ({
  topic,
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value, 'hex'),
  headers: headers.map(([name, text]) => [name, text === null ? null : Buffer.from(text)]),
});

const keyIdOf = ({ headers }: Vector): string => headers.find(([name]) => name === 'enc_key_id')?.[1] ?? '';

describe('the decoder', () => {
  it.each(vectors)('opens the test vector of $what', (vector) => {
    const find = (id: string) => (id === keyIdOf(vector) ? Buffer.from(vector.dataKey, 'hex') : undefined);
    expect(new RecordDecrypter(find).decrypt(recordOf(vector)).toString('hex')).toBe(vector.plaintext);
    expect(associatedData(recordOf(vector), keyIdOf(vector)).toString('hex')).toBe(vector.associatedData);
  });

  it.each(vectors)('opens it with a derived key alone, as a keeper of keys gives it out: $what', (vector) => {
    const decrypter = new RecordDecrypter(() => (_salt, info) => {
      expect(info).toBe(`A256GCM-HKDF-S256-1\0${keyIdOf(vector)}`);
      return Buffer.from(vector.derivedKey, 'hex');
    });
    expect(decrypter.decrypt(recordOf(vector)).toString('hex')).toBe(vector.plaintext);
  });

  it.each(vectors)('agrees with the gateway on what it is bound to: $what', (vector) => {
    const { topic, key, headers } = recordOf(vector);
    const array = headerArray(headers.map(([name, text]) => [name, text && Buffer.from(text)]));
    const ours = new AssociatedData('A256GCM-HKDF-S256-1', keyIdOf(vector)).of(topic, key?.toString() ?? '', array);
    expect(Buffer.from(ours).toString('hex')).toBe(vector.associatedData);
  });

  it('gives nothing of a value out, and quotes nothing of it, when it is not authentic', () => {
    const record = recordOf(vectors[0] as Vector);
    const value = Buffer.from(record.value ?? []).fill(1, 0, 1);
    let thrown: unknown;
    try {
      new RecordDecrypter(() => Buffer.from((vectors[0] as Vector).dataKey, 'hex')).decrypt({ ...record, value });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(DecryptionError);
    expect(`${String(thrown)}${JSON.stringify(thrown)}`).not.toMatch(/Avro|unit-7|veh-7/);
  });

  it('remembers a bounded number of derived keys, however many salts it is shown', () => {
    let derived = 0;
    const decrypter = new RecordDecrypter(() => () => {
      derived += 1;
      return Buffer.alloc(32);
    });
    const record = recordOf(vectors[0] as Vector);
    for (let i = 0; i < 3000; i++) {
      const salt = Buffer.alloc(16);
      salt.writeUInt32BE(i);
      const headers = record.headers.map(
        ([name, text]) => [name, name === 'enc_salt' ? Buffer.from(salt.toString('base64')) : text] as const,
      );
      expect(() => decrypter.decrypt({ ...record, headers })).toThrow(DecryptionError);
    }
    expect(derived).toBe(3000);
  });

  it('tells notes of replays from letters, and from records that are encrypted', () => {
    const note = { kind: 'outcome', letter: '0:1', attempt: 1, outcome: 'accepted' } as const;
    const context = { source: '/gateway', deadLetterTopic: 'dlq' };
    const headers = headersOf(noteRecord(note, 'veh-7', 'id', 1, context).headers);
    expect(isReplayNote({ headers })).toBe(true);
    const encrypted = recordOf(vectors[0] as Vector);
    expect(isReplayNote(encrypted)).toBe(false);
    expect(isReplayNote({ headers: [...encrypted.headers, ...headers] })).toBe(false);
    expect(isReplayNote({ headers: [['dlq_reason', Buffer.from('no_route')]] })).toBe(false);
  });

  it('turns an encrypted record that Kafka refused back into what it was', () => {
    const vector = vectors[0] as Vector;
    const record = recordOf(vector);
    const own = record.headers.map(([name, text]) => [`dlq_own_${name}`, text] as const);
    const letter: ReceivedRecord = {
      ...record,
      topic: 'veh.events.raw.dlq',
      headers: [['ce_id', Buffer.from('x')], ['dlq_kafka_topic', Buffer.from(vector.topic)], ...own],
    };
    expect(isEncrypted(letter)).toBe(false);
    const decrypter = new RecordDecrypter(() => Buffer.from(vector.dataKey, 'hex'));
    expect(decrypter.decrypt(asWritten(letter)).toString('hex')).toBe(vector.plaintext);
    expect(asWritten(record)).toBe(record);
  });
});
