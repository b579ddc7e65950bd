import { describe, expect, it } from 'vitest';
import { AdministrationError } from '../../../../gateway/administration/administration-error.ts';
import type { AuditEntry, ChainedRecord } from '../../../../gateway/administration/audit/audit-record.ts';
import { AuditTrail } from '../../../../gateway/administration/audit/audit-trail.ts';
import { waitFor } from '../../../support/wait-for.ts';
import { RecordedEvents } from '../support.ts';

const record: ChainedRecord = { chain: 'c', seq: 1, prev: '', hash: '', timeMs: 0, target: '', line: '' };
const change = (requestId: string) => ({
  requestId,
  actor: undefined,
  remoteAddress: '127.0.0.1',
  action: 'device.change',
  target: 'dev-1',
});

/** A trail whose records are written when the test says so, or at once. */
class Scene {
  readonly wanted: string[] = [];
  readonly written: string[] = [];
  /** What is waited for before a record is written. */
  disk: Promise<void> = Promise.resolve();
  readonly trail = new AuditTrail({
    file: { append: (entry) => this.#append(entry) },
    denialsPerMinute: 1,
    observer: new RecordedEvents().observer,
    now: Date.now,
  });

  async #append({ requestId, outcome }: AuditEntry): Promise<ChainedRecord> {
    this.wanted.push(`${requestId} ${outcome}`);
    await this.disk;
    this.written.push(`${requestId} ${outcome}`);
    return record;
  }
}

const longMs = 60_000;

describe('changes under way when the trail is settled', () => {
  it('are waited for until their outcomes are written', async () => {
    const { trail, written } = new Scene();
    const [first, second] = [await trail.attempt(change('one')), await trail.attempt(change('two'))];
    const settled = trail.settle(longMs);
    await first?.ended('succeeded', 200, {});
    await second?.ended('refused', 404, {});
    await settled;
    expect(written).toEqual(['one attempted', 'two attempted', 'one succeeded', 'two refused']);
  });

  it('that take longer are of unknown outcome, and stay so when they end', async () => {
    const { trail, written } = new Scene();
    const [slow, quick] = [await trail.attempt(change('slow')), await trail.attempt(change('quick'))];
    await quick?.ended('succeeded', 200, {});
    await trail.settle(1);
    await slow?.ended('succeeded', 200, {});
    expect(written).toEqual(['slow attempted', 'quick attempted', 'quick succeeded', 'slow unknown']);
  });

  it('have one outcome where the disk is slower than is waited for', async () => {
    const scene = new Scene();
    const attempt = await scene.trail.attempt(change('one'));
    const disk = Promise.withResolvers<void>();
    scene.disk = disk.promise;
    const ended = attempt?.ended('succeeded', 200, {});
    await scene.trail.settle(1);
    disk.resolve();
    await ended;
    expect(scene.written).toEqual(['one attempted', 'one succeeded']);
  });

  it('may not be made when they were given up before their attempt was on the disk', async () => {
    const scene = new Scene();
    const disk = Promise.withResolvers<void>();
    scene.disk = disk.promise;
    const attempt = scene.trail.attempt(change('one'));
    const settled = scene.trail.settle(1);
    await waitFor(() => scene.wanted.includes('one unknown'), { deadlineMs: 5000, what: 'it to be given up' });
    disk.resolve();
    await settled;
    expect(await attempt).toBeUndefined();
  });

  it('do not hold it up when their attempt could not be written', async () => {
    const scene = new Scene();
    scene.disk = Promise.reject(new AdministrationError('audit_failed', 'ENOSPC'));
    await expect(scene.trail.attempt(change('one'))).rejects.toMatchObject({ code: 'audit_failed' });
    scene.disk = Promise.resolve();
    await scene.trail.settle(longMs);
    expect(scene.written).toEqual([]);
  });

  it('are not joined by others', async () => {
    const { trail, written } = new Scene();
    await trail.settle(longMs);
    expect(await trail.attempt(change('late'))).toBeUndefined();
    expect(written).toEqual([]);
  });
});
