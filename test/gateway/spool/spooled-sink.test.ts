import { describe, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { Settlements, textEncoder } from '../kafka/recording.ts';
import { type Assembly, assemble, FakeTarget, settingsFor, TestDirectory } from './support.ts';

/** Appends records of a few keys, each with a number that counts up. */
class Source {
  readonly settlements = new Settlements();
  readonly #sink: Assembly['sink'];
  sent: string[] = [];

  constructor(sink: Assembly['sink']) {
    this.#sink = sink;
  }

  send(count: number, topic = 'events'): void {
    for (let i = 0; i < count; i++) {
      const value = `r${this.sent.length}`;
      this.#sink.append(topic, `k${this.sent.length % 7}`, 1000 + i, textEncoder, value, this.settlements.of(value));
      this.sent.push(value);
    }
  }

  get answered(): number {
    return this.settlements.settled.length;
  }
}

const wait = (what: string, holds: () => boolean) => waitFor(holds, { deadlineMs: 5000, what });

describe('mode outage', () => {
  test('stays out of the way while Kafka answers', async () => {
    await using directory = await TestDirectory.make();
    const target = new FakeTarget();
    const { sink, spool, close } = await assemble(settingsFor(directory.path), target);
    const source = new Source(sink);
    source.send(500);
    await wait('answers', () => source.answered === 500);
    expect(sink.state).toBe('direct');
    expect(source.settlements.names('delivered')).toEqual(source.sent);
    expect(spool.ledger.appendedRecords).toBe(0);
    await close();
  });

  test('takes over what Kafka leaves unanswered, and gives all of it back in order', async () => {
    await using directory = await TestDirectory.make();
    const target = new FakeTarget();
    const { sink, spool, recording, close } = await assemble(settingsFor(directory.path), target);
    const source = new Source(sink);
    target.goDown();
    source.send(300);
    await wait('the spool to take over', () => sink.state === 'spooling');
    source.send(300);
    await wait('answers out of the spool', () => source.answered === 600);
    expect(source.settlements.names('spooled')).toEqual(source.sent);
    expect(spool.depth().records).toBe(600);
    source.send(50);
    target.comeBack();
    source.send(50);
    await wait('direct again', () => sink.state === 'direct');
    source.send(50);
    await wait('everything on Kafka', () => target.log.length === 750);
    expect(target.values()).toEqual(source.sent);
    await wait('all answers', () => source.answered === 750);
    await wait('an empty spool', () => spool.depth().records === 0 && spool.depth().bytes === 0);
    // A machine that stands still for a moment may go through it again.
    expect(recording.states.slice(0, 4)).toEqual(['direct', 'spooling', 'replaying', 'direct']);
    await close();
  });

  test('keeps order when Kafka goes away again in the middle of a replay', async () => {
    await using directory = await TestDirectory.make();
    const target = new FakeTarget();
    const { sink, close } = await assemble(settingsFor(directory.path, { replayMaxRecords: 250 }), target);
    const source = new Source(sink);
    for (let round = 0; round < 4; round++) {
      target.goDown();
      source.send(200);
      await wait('the spool to take over', () => sink.state !== 'direct');
      source.send(2000);
      await wait('answers', () => source.answered >= source.sent.length);
      // A part of what was handed over and replayed, then silence again.
      target.deliver(200);
      await new Promise((resolve) => setImmediate(resolve));
      target.deliver(100);
      source.send(10);
      if (round % 2 === 1) {
        target.comeBack();
        await wait('direct again', () => sink.state === 'direct');
        source.send(10);
      }
    }
    target.comeBack();
    await wait('everything on Kafka', () => target.log.length >= source.sent.length);
    const first = [...new Set(target.values())];
    expect(first).toEqual(source.sent);
    await close();
  });
});

describe('a backlog in the directory', () => {
  test('is replayed ahead of what comes later, by another process', async () => {
    await using directory = await TestDirectory.make();
    const settings = settingsFor(directory.path);
    const before = await assemble(settings);
    const early = new Source(before.sink);
    early.send(3000);
    await wait('answers', () => early.answered === 3000);
    await before.close();

    const target = new FakeTarget();
    const { sink, spool, close } = await assemble(settings, target);
    expect(spool.ledger.recoveredRecords).toBe(3000);
    const late = new Source(sink);
    late.send(100);
    await wait('everything on Kafka', () => target.log.length === 3100);
    expect(target.values()).toEqual([...early.sent, ...late.sent]);
    await wait('direct', () => sink.state === 'direct');
    await wait('an empty spool', () => spool.depth().records === 0 && spool.depth().bytes === 0);
    await close();
    const again = await assemble(settings);
    expect(again.spool.ledger.recoveredRecords).toBe(0);
    await again.close();
  });
});

describe('mode always', () => {
  test('sends every record through the spool', async () => {
    await using directory = await TestDirectory.make();
    const target = new FakeTarget();
    const { sink, spool, close } = await assemble(settingsFor(directory.path, { mode: 'always' }), target);
    const source = new Source(sink);
    for (let round = 0; round < 20; round++) {
      source.send(100);
      await wait('answers', () => source.answered === source.sent.length);
    }
    await wait('everything on Kafka', () => target.log.length === 2000);
    expect(target.values()).toEqual(source.sent);
    expect(spool.ledger.appendedRecords).toBe(2000);
    expect(sink.state).toBe('replaying');
    await close();
  });
});
