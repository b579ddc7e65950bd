import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { delivered } from '../gateway/core/outcome.ts';
import type { Settleable } from '../gateway/core/publish.ts';
import type { RecordEncoder, RecordSink } from '../gateway/core/record-sink.ts';
import { BufferPool } from '../gateway/record-batch/buffer-pool.ts';
import { OpenBatch } from '../gateway/record-batch/open-batch.ts';
import type { SpoolObserver } from '../gateway/spool/observer.ts';
import { Spool } from '../gateway/spool/spool.ts';
import { SpooledSink } from '../gateway/spool/spooled-sink.ts';

/**
 * `node bench/spool.ts [--records N] [--directory D]`: the evidence of ADR 16. Records through the spool until they are
 * durable, and back out of it; against the same batches in SQLite (WAL, synchronous=FULL), one transaction per group.
 * CPU is of the whole process, threads of fsync included.
 */
const { values: given } = parseArgs({
  options: { records: { type: 'string', default: '1000000' }, directory: { type: 'string', default: tmpdir() } },
});
const records = Number(given.records);
const valueBytes = 86;
const unsettledAtMost = 20_000;
const limits = {
  maxBatchBytes: 524_288,
  maxBatchRecords: 10_000,
  softRecords: 50_000,
  hardRecords: 100_000,
  softBytes: 33_554_432,
  hardBytes: 67_108_864,
};

/** A fix of a vehicle, as compressible as real ones: most bytes are alike, some differ each time. */
const template = Buffer.alloc(valueBytes, 'position,speed,heading,battery');
const headers = Buffer.from('\x06\x0cce_id\x28veh-000001:42:1000000\x0cce_ty\x0efix.v1\x0ece_time\x30');
let sequence = 0;
const encoder: RecordEncoder<undefined> = {
  writeValue(_event, target, offset) {
    if (offset + valueBytes > target.length) return -1;
    target.set(template, offset);
    sequence += 1;
    for (let i = 0; i < 24; i++) target[offset + 3 * i] = Math.imul(sequence + i, 0x9e3779b1) >>> 24;
    return offset + valueBytes;
  },
  writeHeaders(_event, target, offset) {
    if (offset + headers.length > target.length) return -1;
    target.set(headers, offset);
    return offset + headers.length;
  },
};

class Counter implements Settleable {
  settled = 0;
  settleRecord(): void {
    this.settled += 1;
  }
}

/** A Kafka that takes everything at once: what is measured is the spool. */
class Sink implements RecordSink {
  readonly pressure = 0;
  readonly handedOver = 0;
  readonly #scratch = Buffer.alloc(4096);
  #waiting: Settleable[] = [];
  records = 0;

  append<Event>(
    _topic: string,
    _key: string,
    _timestampMs: number,
    copier: RecordEncoder<Event>,
    event: Event,
    settleable: Settleable,
  ): boolean {
    copier.writeHeaders(event, this.#scratch, copier.writeValue(event, this.#scratch, 0));
    this.records += 1;
    if (this.#waiting.push(settleable) === 1) setImmediate(() => this.#answer());
    return true;
  }

  #answer(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const settleable of waiting) settleable.settleRecord(delivered);
  }

  handOver(): void {}
  stats() {
    return { unsettledRecords: this.#waiting.length, oldestUnsettledMs: 0 };
  }
}

interface Figures {
  readonly recordsPerSecond: number;
  readonly cpuUsPerRecord: number;
  /** How late the event loop was at the 99th percentile: a synchronous fsync shows here. */
  readonly loopDelayP99Ms: number;
}

async function measured(count: number, work: () => Promise<void>): Promise<Figures> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const startedAtMs = performance.now();
  await work();
  const seconds = (performance.now() - startedAtMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  delay.disable();
  const loopDelayP99Ms = delay.percentile(99) / 1e6;
  return { recordsPerSecond: Math.round(count / seconds), cpuUsPerRecord: (user + system) / count, loopDelayP99Ms };
}

const keys = Array.from({ length: 500 }, (_, index) => `veh-${String(index).padStart(6, '0')}`);
const silent = new Proxy({} as SpoolObserver, { get: () => () => undefined });

/** As fast as they become durable, at most so many waiting, as under the soft watermark. */
async function append(sink: Pick<RecordSink, 'append'>, counter: Counter): Promise<void> {
  for (let sent = 0; counter.settled < records; ) {
    const end = Math.min(records, counter.settled + unsettledAtMost, sent + 500);
    for (; sent < end; sent++) {
      sink.append('events', keys[sent % keys.length] as string, 1_700_000_000_000 + sent, encoder, undefined, counter);
    }
    await turn();
  }
}

async function segments(directory: string): Promise<{ write: Figures; replay: Figures; bytesPerRecord: number }> {
  const settings = {
    mode: 'outage' as const,
    ...{ directory, afterMs: 10_000, lingerMs: 5, segmentBytes: 33_554_432, maxBytes: 17_179_869_184 },
    ...{ maxAgeSeconds: 86_400, replayMaxRecords: 20_000, replayMaxBytes: 8_388_608 },
  };
  const spool = await Spool.open({ settings, limits, observer: silent });
  const sink = new SpooledSink({
    spool,
    settings,
    deadLetterTopic: 'dlq',
    origin: { source: '/bench' },
    observer: silent,
  });
  const counter = new Counter();
  const write = await measured(records, () => append(sink, counter));
  const bytesPerRecord = spool.depth().bytes / records;
  const kafka = new Sink();
  const replay = await measured(records, async () => {
    sink.attach(kafka);
    while (kafka.records < records || spool.depth().records > 0) await turn();
  });
  await sink.close();
  return { write, replay, bytesPerRecord };
}

/** What the same would be with a database: every group one transaction, on the event loop, as node:sqlite is synchronous. */
async function sqlite(path: string): Promise<{ write: Figures; bytesPerRecord: number }> {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000');
  database.exec('CREATE TABLE batch (number INTEGER PRIMARY KEY, topic TEXT, bytes BLOB)');
  const insert = database.prepare('INSERT INTO batch (topic, bytes) VALUES (?, ?)');
  const open = new OpenBatch(new BufferPool(limits.maxBatchBytes, 16 * 1024 * 1024));
  const counter = new Counter();
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const commit = () => {
    clearTimeout(timer);
    timer = undefined;
    if (open.records === 0) return;
    const batch = open.seal();
    database.exec('BEGIN');
    insert.run('events', batch.bytes);
    database.exec('COMMIT');
    bytes += batch.bytes.length;
    for (const settleable of batch.settleables) settleable.settleRecord(delivered);
  };
  const sink: Pick<RecordSink, 'append'> = {
    append(_topic, key, timestampMs, recordEncoder, event, settleable) {
      const keyBytes = Buffer.from(key);
      if (open.append(keyBytes, keyBytes.length, timestampMs, recordEncoder, event, settleable) < 0) {
        commit();
        open.append(keyBytes, keyBytes.length, timestampMs, recordEncoder, event, settleable);
      }
      timer ??= setTimeout(commit, 5);
      return true;
    },
  };
  const write = await measured(records, () => append(sink, counter));
  clearTimeout(timer);
  database.close();
  return { write, bytesPerRecord: bytes / records };
}

const directory = mkdtempSync(join(given.directory, 'bench-spool-'));
try {
  // One after the other, twice: the first round warms up.
  for (const round of ['warm-up', 'measured']) {
    const result = {
      round,
      records,
      segments: await segments(join(directory, `${round}-spool`)),
      sqlite: await sqlite(join(directory, `${round}.sqlite`)),
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
