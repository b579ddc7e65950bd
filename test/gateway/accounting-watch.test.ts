import { afterEach, describe, expect, it, vi } from 'vitest';
import { AccountingWatch } from '../../gateway/accounting-watch.ts';
import { publishAccounts } from '../../gateway/accounts.ts';
import type { Account } from '../../gateway/core/account.ts';
import type { Identity } from '../../gateway/core/identity.ts';
import { Ingest } from '../../gateway/core/ingest.ts';
import { delivered, type Outcome } from '../../gateway/core/outcome.ts';
import { Publish, type Settleable } from '../../gateway/core/publish.ts';
import type { RecordEncoder, RecordSink } from '../../gateway/core/record-sink.ts';
import { Captured } from './observability/captured.ts';

/** An edge, the core and a sink, each of which counts for itself. */
class Site {
  readonly captured = new Captured();
  readonly sink = new CountingSink();
  /** What the MQTT edge counts. */
  held = 0;
  readonly #ingest = new Ingest({
    source: '/edge-ingest-gateway',
    pipeline: {
      run: (publish, sink) => {
        publish.expect(1);
        sink.append('events', 'veh-1', 0, {} as RecordEncoder<number>, 1, publish);
        return undefined;
      },
    },
    sink: this.sink,
    deadLetterTopic: 'dead',
    observer: this.captured.observability.ingest,
    pressure: () => 0,
  });
  readonly watch = new AccountingWatch(() => this.#accounts(), this.captured.observability.accounting);

  #accounts(): Account[] {
    const { came, went } = this.captured.observability.ingest;
    return publishAccounts({ came, went, held: this.held, heldRecords: this.sink.held.length });
  }

  publish(): TestPublish {
    const publish = new TestPublish(() => {
      this.held -= 1;
    });
    this.held += 1;
    this.#ingest.receive(publish);
    return publish;
  }

  async mismatch(): Promise<number> {
    this.watch.check();
    return this.captured.total('edge_accounting_mismatch');
  }
}

class CountingSink implements RecordSink {
  readonly held: Settleable[] = [];

  append<Event>(
    _topic: string,
    _key: string,
    _timestampMs: number,
    _encoder: RecordEncoder<Event>,
    _event: Event,
    settleable: Settleable,
  ): boolean {
    this.held.push(settleable);
    return true;
  }

  settleAll(outcome: Outcome): void {
    for (const settleable of this.held.splice(0)) settleable.settleRecord(outcome);
  }
}

class TestPublish extends Publish {
  readonly identity: Identity = { deviceId: 'dev-1', kind: 'vehicle', boundTo: 'veh-1' };
  readonly topic = 'v1/vehicles/veh-1/telemetry';
  readonly payload = new Uint8Array([1]);
  readonly qos = 1;
  readonly receivedAtMs = 1_700_000_000_000;
  readonly contentType = undefined;
  readonly traceparent = undefined;
  readonly correlationId = undefined;
  readonly #answered: () => void;

  constructor(answered: () => void) {
    super();
    this.#answered = answered;
  }

  answer(): void {
    this.#answered();
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the self-check of the accounts', () => {
  it('finds nothing while publishes are held, and after they were settled', async () => {
    const site = new Site();
    expect(await site.mismatch()).toBe(0);
    for (let i = 0; i < 10; i++) site.publish();
    expect(await site.mismatch()).toBe(0);
    site.sink.settleAll(delivered);
    expect(await site.mismatch()).toBe(0);
    expect(await site.captured.total('edge_accounting_checks_total')).toBe(3);
    expect(site.captured.lines).toEqual([]);
  });

  it('finds a publish that was answered twice', async () => {
    const site = new Site();
    const publish = site.publish();
    site.sink.settleAll(delivered);
    publish.answer();
    expect(await site.mismatch()).toBe(1);
  });

  it('finds an outcome that was counted twice', async () => {
    const site = new Site();
    const publish = site.publish();
    site.captured.observability.ingest.delivered(publish);
    site.sink.settleAll(delivered);
    expect(await site.mismatch()).toBe(1);
  });

  it('finds a publish that was received without being counted', async () => {
    const site = new Site();
    site.publish();
    site.held += 1;
    expect(await site.mismatch()).toBeGreaterThan(0);
  });

  it('finds publishes whose records were lost: nobody will ever answer them', async () => {
    const site = new Site();
    for (let i = 0; i < 5; i++) site.publish();
    site.sink.held.splice(0, 2);
    expect(await site.mismatch()).toBe(2);
  });

  it('logs an error once per change, and when it is over', async () => {
    const site = new Site();
    site.held += 1;
    await site.mismatch();
    await site.mismatch();
    site.held += 1;
    await site.mismatch();
    site.held -= 2;
    await site.mismatch();
    await site.mismatch();
    expect(site.captured.lines.map(({ level, event, mismatch }) => [level, event, mismatch])).toEqual([
      ['error', 'accounting_mismatch', 2],
      ['error', 'accounting_mismatch', 4],
      ['info', 'accounting_right', undefined],
    ]);
    expect(site.captured.lines[0]?.accounts).toEqual([
      { name: 'publishes', came: 0, went: 0, held: 1, outBy: 1 },
      { name: 'publishes_without_record', came: 1, went: 0, held: 0, outBy: 1 },
    ]);
  });

  it('is made every few seconds until it is stopped', async () => {
    vi.useFakeTimers();
    const site = new Site();
    site.watch.start();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await site.captured.total('edge_accounting_checks_total')).toBe(4);
    site.watch.stop();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await site.captured.total('edge_accounting_checks_total')).toBe(4);
  });
});
