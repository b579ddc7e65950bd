import { createCipheriv, hkdfSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ReceivedRecord, RecordDecrypter } from '../../../decoder/decrypt-record.ts';
import { DeadLetter } from '../../../gateway/core/dead-letter.ts';
import { DeadLetterEncoder } from '../../../gateway/core/dead-letter-encoder.ts';
import type { Settleable } from '../../../gateway/core/publish.ts';
import { nullValue, type RecordEncoder, type RecordSink } from '../../../gateway/core/record-sink.ts';
import { sealingOverheadBytes } from '../../../gateway/encryption/record-sealer.ts';
import { SealingSink } from '../../../gateway/encryption/sealing-sink.ts';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import { headersOf } from '../../../gateway/record-batch/header-array.ts';
import { OpenBatch } from '../../../gateway/record-batch/open-batch.ts';
import { RecordCursor } from '../../../gateway/record-batch/record-cursor.ts';
import { pipeline, receivedAtMs, report, run, TestPublish, TestSink, telemetry } from '../core/fixture.ts';
import { open, TestKeys } from './support.ts';

const topic = 'veh.events.raw';
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b9c7c989f97918e1-01';

/** Puts records into a real batch, and gives them back as a consumer gets them. */
class BatchSink implements RecordSink {
  readonly #batch: OpenBatch;
  readonly #topics: string[] = [];

  constructor(largestBytes = 512 * 1024) {
    this.#batch = new OpenBatch(new BufferPool(largestBytes, 0));
  }

  append<Event>(
    to: string,
    key: string,
    timestampMs: number,
    encoder: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    const bytes = Buffer.from(key);
    if (this.#batch.append(bytes, bytes.length, timestampMs, encoder, event, settleable) < 0) return false;
    this.#topics.push(to);
    return true;
  }

  take(): ReceivedRecord[] {
    if (this.#topics.length === 0) return [];
    const cursor = new RecordCursor(this.#batch.seal().bytes);
    return this.#topics.splice(0).map((to) => {
      cursor.next();
      const { source, keyAt, keyLength, valueAt, valueEnd, headersAt, end, isNull } = cursor;
      return {
        topic: to,
        key: keyLength === 0 ? null : source.subarray(keyAt, keyAt + keyLength),
        value: isNull ? null : source.subarray(valueAt, valueEnd),
        headers: headersOf(source.subarray(headersAt, end)),
      };
    });
  }
}

function sealed(
  publish: ConstructorParameters<typeof TestPublish>[0],
  keys = new TestKeys('2026-11'),
  topics = [topic],
): ReceivedRecord[] {
  const target = new BatchSink();
  const sink = new SealingSink({ target, keys, topics: new Set(topics), maxRecordBytes: 100_000 });
  pipeline.run(new TestPublish(publish), sink);
  return target.take();
}

const one = (records: readonly ReceivedRecord[]): ReceivedRecord => records[0] as ReceivedRecord;
const textOf = ({ headers }: ReceivedRecord, name: string) => headers.find(([key]) => key === name)?.[1]?.toString();
const withHeader = (record: ReceivedRecord, name: string, value: string): ReceivedRecord => ({
  ...record,
  headers: record.headers.map(([key, old]) => [key, key === name ? Buffer.from(value) : old]),
});

describe('a sealed record', () => {
  const keys = new TestKeys('2026-11', '2026-12');
  const publish = { payload: telemetry(), traceparent, correlationId: 'c-1' };
  const plain = run(publish).records[0];
  const record = one(sealed(publish, keys));

  it('opens to the value that it would have had, and keeps the headers that it would have had', () => {
    expect(open(record, keys.find)).toEqual(plain?.value);
    const own = record.headers.filter(([name]) => !name.startsWith('enc_'));
    expect(Object.fromEntries(own.map(([name, value]) => [name, value?.toString()]))).toEqual(plain?.headers);
    expect(record.key?.toString()).toBe('veh-7');
    expect(record.value).toHaveLength((plain?.value.length ?? 0) + 16);
  });

  it('shows nothing of the value', () => {
    const position = Buffer.alloc(8);
    position.writeDoubleLE(report.position.latitudeDeg);
    expect(plain?.value.includes(position)).toBe(true);
    expect(record.value && Buffer.from(record.value).includes(position)).toBe(false);
  });

  it('is what AES-256-GCM makes under the derived key, bound as documented', () => {
    // Nothing of the gateway or the decoder is used here but what the record itself holds.
    const field = (bytes: Uint8Array | null): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes === null ? 0xffff_ffff : bytes.length);
      return Buffer.concat([length, bytes ?? Buffer.alloc(0)]);
    };
    const algorithm = 'A256GCM-HKDF-S256-1';
    const bound = record.headers.filter(([name]) => /^(ce_|dlq_|content-type$)/.test(name));
    const names = bound.map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(['ce_id', 'ce_subject', 'ce_type', 'ce_time', 'content-type']));
    expect(names).not.toContain('traceparent');
    const associated = Buffer.concat([
      ...[Buffer.from(algorithm), Buffer.from('2026-11'), Buffer.from(topic), record.key].map(field),
      ...bound.flatMap(([name, value]) => [field(Buffer.from(name)), field(value)]),
    ]);
    const salt = Buffer.from(textOf(record, 'enc_salt') as string, 'base64');
    const key = Buffer.from(hkdfSync('sha256', Buffer.alloc(32, 1), salt, [algorithm, '2026-11'].join('\0'), 32));
    const cipher = createCipheriv('aes-256-gcm', key, Buffer.from(textOf(record, 'enc_nonce') as string, 'base64'));
    cipher.setAAD(associated);
    const value = Buffer.concat([cipher.update(plain?.value as Buffer), cipher.final(), cipher.getAuthTag()]);
    expect(record.value).toEqual(value);
    expect(textOf(record, 'enc_algorithm')).toBe(algorithm);
  });

  it.each<[what: string, forged: (record: ReceivedRecord) => ReceivedRecord]>([
    ['another topic', (from) => ({ ...from, topic: 'alerts' })],
    ["another vehicle's key", (from) => ({ ...from, key: Buffer.from('veh-8') })],
    ['no key', (from) => ({ ...from, key: null })],
    ['the id of another event', (from) => withHeader(from, 'ce_id', 'unit-7:4000000000:43')],
    ['another subject', (from) => withHeader(from, 'ce_subject', 'veh-8')],
    ['another type', (from) => withHeader(from, 'ce_type', 'com.mobilitycorp.vehicle.battery.v1')],
    ['another time', (from) => withHeader(from, 'ce_time', '2025-11-21T09:22:31.622998Z')],
    ['another schema', (from) => withHeader(from, 'ce_dataschema', 'http://registry/schemas/ids/1')],
    ['another key id', (from) => withHeader(from, 'enc_key_id', '2026-12')],
    [
      'a header of identity less',
      (from) => ({ ...from, headers: from.headers.filter(([name]) => name !== 'ce_subject') }),
    ],
    ['one more', (from) => ({ ...from, headers: [...from.headers, ['ce_tenant', Buffer.from('x')]] })],
    ['a changed byte', (from) => ({ ...from, value: Buffer.from(from.value ?? []).fill(0x55, 3, 4) })],
    [
      'a changed tag',
      (from) => ({
        ...from,
        value: Buffer.concat([(from.value ?? Buffer.alloc(0)).subarray(0, -1), Buffer.from([0])]),
      }),
    ],
    ['a byte less', (from) => ({ ...from, value: (from.value ?? Buffer.alloc(0)).subarray(0, -1) })],
    ['the salt of another', (from) => withHeader(from, 'enc_salt', Buffer.alloc(16).toString('base64'))],
    ['the nonce of another', (from) => withHeader(from, 'enc_nonce', Buffer.alloc(12, 9).toString('base64'))],
  ])('does not open with %s', (_what, forged) => {
    expect(open(forged(record), keys.find)).toBe('not_authentic');
  });

  it('opens with another trace, and with the mark of a replay', () => {
    const later = withHeader(record, 'traceparent', traceparent.replace('b9', 'c0'));
    const replayed = { ...later, headers: [...later.headers, ['ce_replayattempt', Buffer.from('1')] as const] };
    expect(open(replayed, keys.find)).toEqual(plain?.value);
  });

  it.each<[code: string, what: string, forged: (record: ReceivedRecord) => ReceivedRecord]>([
    [
      'not_encrypted',
      'no algorithm',
      (from) => ({ ...from, headers: from.headers.filter(([name]) => name !== 'enc_algorithm') }),
    ],
    ['unknown_algorithm', 'another algorithm', (from) => withHeader(from, 'enc_algorithm', 'none')],
    ['unknown_key', 'an unknown key', (from) => withHeader(from, 'enc_key_id', 'x')],
    ['malformed', 'a short nonce', (from) => withHeader(from, 'enc_nonce', 'AAAA')],
    ['malformed', 'a salt that is no base64', (from) => withHeader(from, 'enc_salt', '!'.repeat(24))],
    [
      'malformed',
      'a header twice',
      (from) => ({ ...from, headers: [...from.headers, ['enc_key_id', Buffer.from('2026-11')]] }),
    ],
    ['malformed', 'no value', (from) => ({ ...from, value: null })],
    ['malformed', 'a value shorter than a tag', (from) => ({ ...from, value: Buffer.alloc(15) })],
  ])('is %s with %s', (code, _what, forged) => {
    expect(open(forged(record), keys.find)).toBe(code);
  });

  it('does not open with other bytes under the id of the key', () => {
    expect(open(record, () => Buffer.alloc(32, 77))).toBe('not_authentic');
  });
});

describe('what is sealed', () => {
  it('is every record of the given topics, each item of a batch for itself, and none of others', () => {
    const keys = new TestKeys('k');
    expect(one(sealed({ payload: telemetry() }, keys, ['alerts'])).headers.map(([name]) => name)).not.toContain(
      'enc_nonce',
    );
    const nonces = new Set<string | undefined>();
    const target = new BatchSink();
    const sink = new SealingSink({ target, keys, topics: new Set([topic]), maxRecordBytes: 100_000 });
    for (let sequence = 0; sequence < 300; sequence++)
      pipeline.run(new TestPublish({ payload: telemetry({ sequence }) }), sink);
    const records = target.take();
    const decrypter = new RecordDecrypter(keys.find);
    for (const [sequence, record] of records.entries()) {
      expect(decrypter.decrypt(record)).toEqual(run({ payload: telemetry({ sequence }) }).records[0]?.value);
      nonces.add(textOf(record, 'enc_nonce'));
    }
    // The batch's buffer was too small several times, and the record encoded once more.
    expect(nonces.size).toBe(300);
    expect(new Set(records.map((record) => textOf(record, 'enc_salt'))).size).toBe(1);
  });

  it('has another salt, and so another derived key, in every process, after each rotation and when nonces run out', () => {
    const salts = new Set<string | undefined>();
    for (let start = 0; start < 3; start++) salts.add(textOf(one(sealed({ payload: telemetry() })), 'enc_salt'));
    expect(salts.size).toBe(3);

    const keys = new TestKeys('old', 'new');
    const target = new TestSink();
    const sink = new SealingSink({
      target,
      keys,
      topics: new Set([topic]),
      maxRecordBytes: 100_000,
      maxRecordsPerKey: 2,
    });
    const write = (sequence: number) => pipeline.run(new TestPublish({ payload: telemetry({ sequence }) }), sink);
    for (let sequence = 0; sequence < 5; sequence++) write(sequence);
    keys.use('new');
    write(5);
    const used = target.records.map(({ headers }) => `${headers.enc_key_id} ${headers.enc_salt} ${headers.enc_nonce}`);
    expect(new Set(used).size).toBe(6);
    const saltsOf = (id: string) =>
      new Set(target.records.flatMap(({ headers }) => (headers.enc_key_id === id ? [headers.enc_salt] : [])));
    expect(saltsOf('old').size).toBe(3);
    expect(saltsOf('new').size).toBe(1);
  });

  it('is refused, and nothing written, where it would not fit with its tag and headers', () => {
    const payload = telemetry();
    const plain = new TestSink();
    pipeline.run(new TestPublish({ payload }), plain);
    for (let bytes = 300; bytes < 900; bytes++) {
      const target = new TestSink(bytes);
      const sink = new SealingSink({
        target,
        keys: new TestKeys('k'.repeat(64)),
        topics: new Set([topic]),
        maxRecordBytes: bytes,
      });
      pipeline.run(new TestPublish({ payload }), sink);
      const takesPlain =
        pipeline.run(new TestPublish({ payload }), new TestSink(bytes - sealingOverheadBytes)) === undefined;
      // Whatever would fit without, fits with what is reserved for it.
      if (takesPlain) expect(target.records).toHaveLength(1);
    }
  });

  it('leaves a record without a value as it is', () => {
    const target = new BatchSink();
    const sink = new SealingSink({ target, keys: new TestKeys('k'), topics: new Set(['t']), maxRecordBytes: 1000 });
    const tombstone: RecordEncoder<undefined> = {
      writeValue: () => nullValue,
      writeHeaders: (_event, bytes, at) => {
        bytes[at] = 0;
        return at + 1;
      },
    };
    sink.append('t', 'k', 0, tombstone, undefined, { settleRecord: () => undefined });
    expect(one(target.take())).toMatchObject({ value: null, headers: [] });
  });

  it('binds a record without a key to having none', () => {
    const target = new BatchSink();
    const keys = new TestKeys('k');
    const sink = new SealingSink({ target, keys, topics: new Set(['t']), maxRecordBytes: 1000 });
    const empty: RecordEncoder<undefined> = {
      writeValue: (_event, _bytes, at) => at,
      writeHeaders: (_event, bytes, at) => {
        bytes[at] = 0;
        return at + 1;
      },
    };
    sink.append('t', '', 0, empty, undefined, { settleRecord: () => undefined });
    const record = one(target.take());
    expect(open(record, keys.find)).toEqual(Buffer.alloc(0));
    expect(open({ ...record, key: Buffer.alloc(0) }, keys.find)).toBe('not_authentic');
  });
});

describe('a dead letter that is sealed', () => {
  it('quotes nothing of the payload in its headers, and opens to the payload', () => {
    const keys = new TestKeys('k');
    const target = new BatchSink();
    const sink = new SealingSink({ target, keys, topics: new Set(['dlq']), maxRecordBytes: 100_000 });
    const rejection = { reason: 'invalid_field', detail: 'position.latitudeDeg 91.25 is not from -90 to 90' } as const;
    const payload = Buffer.from('raw bytes');
    const letter = new DeadLetter(new TestPublish({ payload }), rejection, 'whole', { letterSettled: () => undefined });
    const encoder = new DeadLetterEncoder({ source: '/gateway' }, true);
    sink.append('dlq', letter.key, receivedAtMs, encoder, letter, letter);
    const record = one(target.take());
    expect(JSON.stringify(record.headers.map(([name, value]) => [name, value?.toString()]))).not.toContain('91.25');
    expect(textOf(record, 'dlq_reason')).toBe('invalid_field');
    expect(open(record, keys.find)).toEqual(payload);
    // With these a replay authorizes it in the name of the device.
    expect(open(withHeader(record, 'dlq_device_id', 'unit-8'), keys.find)).toBe('not_authentic');
    expect(open(withHeader(record, 'dlq_mqtt_topic', 'v1/vehicles/veh-8/telemetry'), keys.find)).toBe('not_authentic');
  });
});
