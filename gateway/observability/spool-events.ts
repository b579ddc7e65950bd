import type { SettledBatch, SpoolBlock, SpoolObserver, SpoolOpened, SpoolState } from '../spool/observer.ts';
import { defectFields, errorFields, type Log } from './log.ts';
import { Durations, type Metrics } from './metrics.ts';
import { Tally } from './tally.ts';

type Settled = 'delivered' | 'dead_lettered' | 'unlettered' | 'respooled';
type DamagedRanges = Parameters<SpoolObserver['damaged']>[1];

const states: readonly SpoolState[] = ['direct', 'spooling', 'replaying'];
const blocks: readonly SpoolBlock[] = ['failing', 'full'];

/** Every event of the spool. Its depth is exported by whoever opens one: without a spool there is none. */
export class SpoolEvents implements SpoolObserver {
  readonly #log: Log;
  readonly #settled = new Tally<Settled>('outcome', ['delivered', 'dead_lettered', 'unlettered', 'respooled']);
  readonly #diskErrors = new Tally<string>('step');
  readonly #blocks = new Tally<SpoolBlock>('reason', blocks);
  readonly #writeTime = new Durations();
  readonly #syncTime = new Durations();
  #state: SpoolState = 'direct';
  #block: SpoolBlock | undefined;
  #takeOvers = 0;
  #groups = 0;
  #batches = 0;
  #records = 0;
  #bytes = 0;
  #damagedRanges = 0;
  #settleFailures = 0;
  #sealedLate = 0;

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#exportStates(metrics);
    this.#exportFlow(metrics);
  }

  opened({ directory, records, batches, bytes, tornBytes, durationMs }: SpoolOpened): void {
    const fields = { directory, records, batches, bytes, tornBytes, durationMs };
    this.#log.write('info', 'spool_opened', 'the spool is open; what is in it is replayed first', fields);
  }

  stateChanged(state: SpoolState, recordsBehind: number): void {
    if (state === 'spooling') this.#takeOvers += 1;
    this.#state = state;
    const text = {
      direct: 'records go to Kafka, nothing is ahead of them in the spool',
      spooling: 'Kafka takes no records: they go to the spool',
      replaying: 'the spool is being replayed to Kafka, new records go behind',
    }[state];
    const severity = state === 'spooling' ? 'warn' : 'info';
    this.#log.write(severity, 'spool_state_changed', text, { state, records: recordsBehind });
  }

  groupWritten(batches: number, records: number, bytes: number, writeMs: number, syncMs: number): void {
    this.#groups += 1;
    this.#batches += batches;
    this.#records += records;
    this.#bytes += bytes;
    this.#writeTime.add(writeMs);
    this.#syncTime.add(syncMs);
  }

  diskFailed(step: string, code: string, retryInMs: number): void {
    this.#diskErrors.add(step);
    const text = 'the disk of the spool failed; tried again until it works';
    this.#log.writeLimited('error', 'spool_disk_failed', text, { step, code, retryInMs });
  }

  blockChanged(block: SpoolBlock | undefined): void {
    this.#block = block;
    if (block === undefined) {
      this.#log.write('info', 'spool_unblocked', 'the spool takes records again');
      return;
    }
    this.#blocks.add(block);
    const text = block === 'full' ? 'the spool is full' : 'the spool cannot be written';
    this.#log.write('error', 'spool_blocked', `${text}: devices wait unanswered`, { reason: block });
  }

  damaged(segment: string, ranges: DamagedRanges): void {
    this.#damagedRanges += ranges.length;
    const text = 'acknowledged batches in the spool cannot be read; the segment is kept as .damaged';
    this.#log.write('error', 'spool_damaged', text, { segment, ranges });
  }

  batchSettled({ delivered, deadLettered, unlettered, respooled }: SettledBatch): void {
    this.#settled.add('delivered', delivered);
    this.#settled.add('dead_lettered', deadLettered);
    this.#settled.add('unlettered', unlettered);
    this.#settled.add('respooled', respooled);
    if (deadLettered === 0) return;
    const text = 'Kafka refused records of the spool for good; they are on the dead-letter topic';
    this.#log.writeLimited('error', 'spool_records_dead_lettered', text, { records: deadLettered });
  }

  unlettered(topic: string, reason: string): void {
    const text = 'Kafka refused a record of the spool for good, and its dead letter too';
    this.#log.writeLimited('error', 'spool_record_unlettered', text, { topic, reason });
  }

  settleFailed(error: unknown): void {
    this.#settleFailures += 1;
    const text = 'a defect of the gateway: telling an outcome threw';
    this.#log.writeLimited('error', 'spool_settle_failed', text, defectFields(error));
  }

  /** A record that lay plain in the spool goes to a topic that is encrypted. */
  sealedLate(topic: string): void {
    this.#sealedLate += 1;
    const text = 'records lay plain in the spool and are encrypted on their way to Kafka, as their topic is';
    this.#log.writeLimited('warn', 'spool_plain_records_encrypted', text, { topic });
  }

  /** The registry did not answer; the ids are those of an earlier start. */
  schemasRecalled(error: unknown, schemas: number): void {
    const text = 'the schema registry does not answer: the ids of its schemas are known from before';
    this.#log.write('warn', 'spool_schemas_recalled', text, { schemas, ...errorFields(error) });
  }

  schemasNotRemembered(error: unknown): void {
    const text = 'a start without the schema registry will not be possible';
    this.#log.write('warn', 'spool_schemas_not_remembered', text, errorFields(error));
  }

  #exportStates(metrics: Metrics): void {
    const legend = states.map((state, index) => `${index}: ${state}`).join(', ');
    metrics.gauge('edge_spool_state', `Where new records go. ${legend}.`, () => states.indexOf(this.#state));
    metrics.counter(
      'edge_spool_take_overs_total',
      'Times that records began to go to the spool.',
      () => this.#takeOvers,
    );
    metrics.gauges('edge_spool_blocked', '1: nothing more is taken, for this reason.', ['reason'], () =>
      blocks.map((reason) => [{ reason }, this.#block === reason ? 1 : 0]),
    );
    metrics.counters('edge_spool_blocks_total', 'Times that the spool stopped taking records.', ['reason'], () =>
      this.#blocks.samples(),
    );
    metrics.counters('edge_spool_disk_errors_total', 'Failed steps of the disk.', ['step'], () =>
      this.#diskErrors.samples(),
    );
    metrics.counter('edge_spool_damaged_ranges_total', 'Damaged places in segments.', () => this.#damagedRanges);
    metrics.counter('edge_spool_settle_failures_total', 'Defects while settling.', () => this.#settleFailures);
  }

  #exportFlow(metrics: Metrics): void {
    metrics.counters(
      'edge_spool_records_settled_total',
      'Records that have left the spool, by what became of them; its rate is how fast the spool drains.',
      ['outcome'],
      () => this.#settled.samples(),
    );
    metrics.counter(
      'edge_spool_plain_records_encrypted_total',
      'Records that lay plain in the spool and were encrypted on their way to a topic that is.',
      () => this.#sealedLate,
    );
    metrics.counter('edge_spool_groups_written_total', 'Groups of batches made durable.', () => this.#groups);
    metrics.counter('edge_spool_batches_written_total', 'Batches made durable.', () => this.#batches);
    metrics.counter('edge_spool_records_written_total', 'Records made durable.', () => this.#records);
    metrics.counter('edge_spool_bytes_written_total', 'Bytes of segments made durable.', () => this.#bytes);
    metrics.durations('edge_spool_write_seconds', 'Writing one group.', this.#writeTime);
    metrics.durations('edge_spool_fsync_seconds', 'Fsync of one group.', this.#syncTime);
  }
}
