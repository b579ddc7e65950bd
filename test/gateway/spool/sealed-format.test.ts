import { createCipheriv, hkdfSync } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32c } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { BufferPool } from '../../../gateway/record-batch/buffer-pool.ts';
import { OpenBatch } from '../../../gateway/record-batch/open-batch.ts';
import { TestKeys } from '../encryption/support.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { encrypted, replayed } from './encrypted-support.ts';
import { TestDirectory } from './support.ts';

const salt = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const topic = Buffer.from('events');
const values = ['a', 'b', 'c'];
const name = '0000000000000007.segment';

const uint = (value: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntBE(value, Math.max(0, bytes - 6), Math.min(6, bytes));
  return buffer;
};
const withChecksum = (bytes: Buffer) => uint(crc32c(bytes) >>> 0, 4);
const keyInIt = Buffer.concat([salt, uint(2, 1), Buffer.from('k1'.padEnd(64, '\0'))]);

function batchOf(texts: readonly string[]): Buffer {
  const batch = new OpenBatch(new BufferPool(64 * 1024, 0));
  for (const text of texts) batch.append(Buffer.from('k'), 1, 1, textEncoder, text, new Settlements().of(text));
  return Buffer.from(batch.seal().bytes);
}

/**
 * Segment 7 with one frame, made as the documentation of the format says and of nothing that the gateway has.
 *
 * @param mark 2, as they are written; 1, as they were before each frame had a copy of the key.
 */
function segmentOf(mark: 1 | 2): Buffer {
  const beginning = Buffer.concat([Buffer.from('EIGSPOOL'), uint(2, 4), uint(7, 8), uint(1, 8), keyInIt]);
  const header = Buffer.concat([beginning, Buffer.alloc(124 - beginning.length)]);
  const at = 128;
  const batch = batchOf(values);
  const tail = mark === 2 ? keyInIt : Buffer.alloc(0);
  // Number, first of its group, date, records, bytes of records, length of the topic, mark, topic.
  const fields = [uint(1, 8), uint(1, 8), uint(Date.now(), 8), uint(3, 4), uint(30, 4), uint(6, 2), uint(mark, 2)];
  const described = Buffer.concat([...fields, topic]);
  const info = ['edge-ingest-gateway spool segment 1', 'k1', '7'].join('\0');
  const key = Buffer.from(hkdfSync('sha256', Buffer.alloc(32, 1), salt, info, 32));
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.concat([Buffer.alloc(4), uint(at, 8)]));
  cipher.setAAD(Buffer.concat([uint(7, 8), uint(at, 8), described, tail]));
  const ciphertext = Buffer.concat([cipher.update(batch), cipher.final(), cipher.getAuthTag()]);
  const body = Buffer.concat([described, ciphertext, tail]);
  const frame = [
    Buffer.from('EIGF'),
    uint(topic.length + ciphertext.length + tail.length, 4),
    withChecksum(body),
    body,
  ];
  return Buffer.concat([header, withChecksum(header), ...frame]);
}

async function replayOf(segment: Buffer) {
  await using directory = await TestDirectory.make();
  await mkdir(directory.path);
  await writeFile(join(directory.path, name), segment);
  const result = await replayed(encrypted(directory.path), new TestKeys('k1'));
  const kept = (await readdir(directory.path)).filter((file) => file.endsWith('.damaged'));
  return { ...result, kept };
}

describe('a segment that is made by hand, as its format is documented', () => {
  it.each([
    ['as they are written', 2],
    ['of before, without a copy of the key in each frame', 1],
  ] as const)('is read: %s', async (_what, mark) => {
    expect(await replayOf(segmentOf(mark))).toEqual({ values, damaged: [], kept: [] });
  });

  it('opens without its header where its frame has the key, and is kept as damaged where not', async () => {
    const kept = [`${name}.damaged`];
    expect(await replayOf(segmentOf(2).fill(0, 0, 128))).toEqual({ values, damaged: [name], kept });
    const closed = await replayOf(segmentOf(1).fill(0, 0, 128));
    expect(closed).toMatchObject({ values: [], kept });
  });
});
