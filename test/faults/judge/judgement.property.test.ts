import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFleet } from '../../../device-simulator/core/fleet.ts';
import { partitionOf } from '../../../device-simulator/core/murmur2.ts';
import { type EntryKind, entryKinds } from '../../../faults/fleet/ledger-format.ts';
import { Account } from '../../../faults/judge/account.ts';
import { type VerdictFinding, verdictFindings } from '../../../faults/judge/findings.ts';
import { type JudgedEvent, Judgement, type Letter, type Verdict } from '../../../faults/judge/judgement.ts';

const runId = 3;
const partitions = 4;
const events = 'events';
const deadLetters = 'letters';

/** What one vehicle published, and what the gateway did with it. */
interface Publish {
  readonly isInvalid: boolean;
  readonly answer: 'acknowledged' | 'rejected' | 'none';
  /** Whether Kafka has a message that was not answered. */
  readonly stored: boolean;
}

/** A loss of the connection: what was sent from `from` to `to` is sent, and stored, again. */
interface Repetition {
  readonly from: number;
  readonly length: number;
}

interface Life {
  readonly publishes: readonly Publish[];
  readonly repetitions: readonly Repetition[];
}

type Placed =
  | { readonly topic: typeof events; readonly event: JudgedEvent }
  | { readonly topic: typeof deadLetters; readonly letter: Letter };

const publish: fc.Arbitrary<Publish> = fc.record({
  isInvalid: fc.boolean(),
  answer: fc.constantFrom('acknowledged' as const, 'acknowledged' as const, 'rejected' as const, 'none' as const),
  stored: fc.boolean(),
});
const life: fc.Arbitrary<Life> = fc.record({
  publishes: fc.array(publish, { minLength: 1, maxLength: 20 }),
  repetitions: fc.array(fc.record({ from: fc.nat(19), length: fc.integer({ min: 1, max: 5 }) }), { maxLength: 3 }),
});
/** At least two vehicles, each with a message that was acknowledged and one that has a letter, as targets for faults. */
const world = fc.record({
  lives: fc.array(life, { minLength: 2, maxLength: 6 }).map((lives) =>
    lives.map(({ publishes, repetitions }) => ({
      repetitions,
      publishes: [
        ...publishes,
        { isInvalid: false, answer: 'acknowledged' as const, stored: true },
        { isInvalid: true, answer: 'rejected' as const, stored: true },
        { isInvalid: false, answer: 'acknowledged' as const, stored: true },
      ],
    })),
  ),
  mix: fc.infiniteStream(fc.nat()),
});

/** The checksum of a message that nobody made. */
const made = (device: number, sequence: number): number => device * 10_000 + sequence;

/** The history of a gateway that keeps its word: the ledger's account, and what is in Kafka, per partition in order. */
class History {
  readonly account = new Account();
  readonly logs = new Map<string, Placed[]>();
  readonly fleet: ReturnType<typeof createFleet>;

  constructor(lives: readonly Life[]) {
    this.fleet = createFleet({ vehicles: lives.length, bays: 0, runId });
    this.account.begin({ runId, vehicles: lives.length, startedAtMs: 0 });
    for (const [device, { publishes, repetitions }] of lives.entries()) {
      publishes.forEach((published, index) => {
        this.#publish(device, index + 1, published);
        for (const { from, length } of repetitions) {
          if (from + length - 1 === index) this.#repeat(device, publishes, from, from + length);
        }
      });
      publishes.forEach(({ isInvalid, answer }, index) => {
        const honest = isInvalid || answer !== 'rejected' ? answer : 'acknowledged';
        if (honest !== 'none') this.#enter(device, index + 1, entryKinds[honest]);
      });
    }
  }

  /** The log of each partition that holds records of this kind. */
  of(topic: string): Placed[][] {
    return [...this.logs].filter(([place]) => place.startsWith(topic)).map(([, log]) => log);
  }

  place(placed: Placed): void {
    const { topic, partition } = placed.topic === events ? placed.event : placed.letter;
    const log = this.logs.get(`${topic}/${partition}`) ?? [];
    this.logs.set(`${topic}/${partition}`, log);
    log.push(placed);
  }

  record(device: number, sequence: number, isInvalid: boolean): Placed {
    const { boundTo, bootId, deviceId } = this.fleet[device] as (typeof this.fleet)[number];
    const partition = partitionOf(boundTo, partitions);
    const content = made(device, sequence);
    const common = { key: boundTo, subject: boundTo, bootId, sequence, partition, content };
    if (isInvalid) return { topic: deadLetters, letter: { ...common, topic: deadLetters } };
    const eventId = `${deviceId}:${bootId}:${sequence}`;
    return { topic: events, event: { ...common, topic: events, partitions, expectedKey: boundTo, eventId } };
  }

  /** The verdict when the partitions are read in a mixed-up order, each of them in its own. */
  judge(mix: Iterator<number>): Verdict {
    const judgement = new Judgement(this.account);
    const queues = [...this.logs.values()].map((log) => [...log]).filter((log) => log.length > 0);
    while (queues.length > 0) {
      const chosen = (mix.next().value as number) % queues.length;
      const placed = (queues[chosen] as Placed[]).shift() as Placed;
      if (queues[chosen]?.length === 0) queues.splice(chosen, 1);
      if (placed.topic === events) judgement.observeEvent(placed.event);
      else judgement.observeLetter(placed.letter);
    }
    return judgement.conclude();
  }

  #publish(device: number, sequence: number, { isInvalid, answer, stored }: Publish): void {
    if (isInvalid) this.#enter(device, sequence, entryKinds.invalid);
    this.#enter(device, sequence, entryKinds.content, made(device, sequence));
    this.#enter(device, sequence, entryKinds.sent);
    if (answer !== 'none' || stored) this.place(this.record(device, sequence, isInvalid));
  }

  #repeat(device: number, publishes: readonly Publish[], from: number, to: number): void {
    publishes.slice(from, to).forEach(({ isInvalid, answer, stored }, index) => {
      this.#enter(device, from + index + 1, entryKinds.sentAgain);
      if (answer !== 'none' || stored) this.place(this.record(device, from + index + 1, isInvalid));
    });
  }

  #enter(device: number, sequence: number, kind: EntryKind, content = 0): void {
    this.account.entry({ device, sequence, kind, atMs: 0, code: 0, content });
  }
}

const findingsOf = (verdict: Verdict): VerdictFinding[] =>
  verdictFindings.filter((finding) => finding !== 'duplicated' && verdict[finding] > 0);

/** Plants a fault in an honest history, and tells what must be found because of it. Every planted fault can be planted. */
const faults: readonly {
  readonly name: string;
  readonly plant: (history: History, choose: (below: number) => number) => void;
  readonly found: readonly VerdictFinding[];
}[] = [
  {
    name: 'an acknowledged event that is not in Kafka',
    plant: (history, choose) => removeMessage(history, events, choose),
    found: ['lost'],
  },
  {
    name: 'an answered letter that is not in Kafka',
    plant: (history, choose) => removeMessage(history, deadLetters, choose),
    found: ['lost', 'lostLetters'],
  },
  {
    name: 'an event that was never sent',
    plant: (history, choose) => history.place(history.record(choose(history.fleet.length), 1000, false)),
    found: ['phantom'],
  },
  {
    name: 'a letter that was never sent',
    plant: (history, choose) => history.place(history.record(choose(history.fleet.length), 1000, true)),
    found: ['phantom'],
  },
  {
    name: 'an event of a boot that is not of this fleet',
    plant: (history, choose) => {
      const { event } = history.record(choose(history.fleet.length), 1, false) as Extract<Placed, { topic: 'events' }>;
      history.place({ topic: events, event: { ...event, bootId: 1, eventId: `dev-${event.subject}:1:1` } });
    },
    found: ['phantom'],
  },
  {
    name: 'two first appearances that have changed places',
    plant: swapFirstAppearances,
    found: ['outOfOrder'],
  },
  {
    name: 'a copy of an event on another partition',
    plant: (history, choose) => {
      const log = history.of(events)[choose(history.of(events).length)] as Placed[];
      const { event } = log[choose(log.length)] as Extract<Placed, { topic: 'events' }>;
      history.place({ topic: events, event: { ...event, partition: (event.partition + 1) % partitions } });
    },
    found: ['split', 'wrongPartition'],
  },
  {
    name: 'an event under the key of another vehicle',
    plant: (history, choose) => {
      const log = history.of(events)[choose(history.of(events).length)] as Placed[];
      const index = choose(log.length);
      const { event } = log[index] as Extract<Placed, { topic: 'events' }>;
      log[index] = { topic: events, event: { ...event, key: 'veh-999999' } };
    },
    found: ['wrongPartition'],
  },
  {
    name: 'an invalid publish on the events topic',
    plant: (history, choose) => {
      const device = choose(history.fleet.length);
      const [sequence] = history.account.invalid[device] ?? [];
      const honest = history.of(events).flat() as Extract<Placed, { topic: 'events' }>[];
      const own = honest.filter(({ event }) => event.subject === history.fleet[device]?.boundTo);
      const { event } = history.record(device, sequence as number, false) as Extract<Placed, { topic: 'events' }>;
      // In its place, so that nothing but its presence is wrong.
      const log = history.logs.get(`${events}/${event.partition}`) as Placed[];
      const after = own.find((other) => other.event.sequence > event.sequence) as Placed;
      log.splice(log.indexOf(after), 0, { topic: events, event });
    },
    found: ['misjudged'],
  },
  {
    name: "an event with another one's reading",
    plant: (history, choose) => {
      const log = history.of(events)[choose(history.of(events).length)] as Placed[];
      const index = choose(log.length);
      const { event } = log[index] as Extract<Placed, { topic: 'events' }>;
      log[index] = { topic: events, event: { ...event, content: event.content + 1 } };
    },
    found: ['altered'],
  },
  {
    name: 'a letter with other bytes',
    plant: (history, choose) => {
      const log = history.of(deadLetters)[choose(history.of(deadLetters).length)] as Placed[];
      const index = choose(log.length);
      const { letter } = log[index] as Extract<Placed, { topic: 'letters' }>;
      log[index] = { topic: deadLetters, letter: { ...letter, content: letter.content + 1 } };
    },
    found: ['altered'],
  },
  {
    name: 'a valid publish on the dead-letter topic',
    plant: (history, choose) => {
      const device = choose(history.fleet.length);
      const valid = [...history.account.ledger.entry(device).sent].find(
        (s) => !history.account.invalid[device]?.has(s),
      );
      history.place(history.record(device, valid as number, true));
    },
    found: ['misjudged'],
  },
];

/** Takes every record of one answered message out of a topic. */
function removeMessage(history: History, topic: string, choose: (below: number) => number): void {
  const answeredOnes = history.of(topic).flatMap((log) => log.filter((placed) => isAnswered(history, placed)));
  const target = recordIn(answeredOnes[choose(answeredOnes.length)] as Placed);
  for (const log of history.of(topic)) {
    const kept = log.filter((placed) => {
      const { subject, sequence } = recordIn(placed);
      return subject !== target.subject || sequence !== target.sequence;
    });
    log.splice(0, log.length, ...kept);
  }
}

/** Exchanges the first two messages of a vehicle, the first of which appears only behind the second then. */
function swapFirstAppearances(history: History, choose: (below: number) => number): void {
  const log = history.of(events)[choose(history.of(events).length)] as Placed[];
  const { subject } = recordIn(log[choose(log.length)] as Placed);
  const own = log.filter((placed) => recordIn(placed).subject === subject);
  const [first, ...rest] = own;
  const { sequence } = recordIn(first as Placed);
  const next = rest.find((placed) => recordIn(placed).sequence > sequence) as Placed;
  const [a, b] = [log.indexOf(first as Placed), log.indexOf(next)];
  log[a] = next;
  log[b] = first as Placed;
  // Copies of the first that lie between would be its first appearance.
  for (let i = b - 1; i > a; i -= 1) {
    const between = recordIn(log[i] as Placed);
    if (between.subject === subject && between.sequence === sequence) log.splice(i, 1);
  }
}

const recordIn = (placed: Placed): Letter | JudgedEvent => (placed.topic === events ? placed.event : placed.letter);

function isAnswered({ account }: History, placed: Placed): boolean {
  const { subject, bootId, sequence } = recordIn(placed);
  const { acknowledged, rejected } = account.ledger.entry(account.ledger.find(subject, bootId) as number);
  return acknowledged.has(sequence) || rejected.has(sequence);
}

describe('the judgement of a fleet', () => {
  it('finds nothing in a history in which every promise was kept, in whatever order partitions are read', () => {
    fc.assert(
      fc.property(world, ({ lives, mix }) => {
        const history = new History(lives);
        const verdict = history.judge(mix);
        expect(findingsOf(verdict)).toEqual([]);
        const all = lives.flatMap(({ publishes }) => publishes);
        expect(verdict.sent).toBe(all.length);
        expect(verdict.unanswered).toBe(all.filter(({ answer }) => answer === 'none').length);
        expect(verdict.acked + verdict.rejected + verdict.unanswered).toBe(verdict.sent);
        const records = [...history.logs.values()].flat().length;
        expect(verdict.inKafka + verdict.inDeadLetters + verdict.duplicated).toBe(records);
        expect(verdict.duplicated).toBeLessThanOrEqual(verdict.resent);
        expect(verdict.unexplained).toBe(0);
        expect(verdict.compared).toBe(records);
      }),
    );
  });

  it.each(faults)('finds $name, and nothing else', ({ plant, found }) => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.nat()), ({ lives, mix }, chooser) => {
        const history = new History(lives);
        plant(history, (below) => (chooser.next().value as number) % below);
        const verdict = history.judge(mix);
        expect(findingsOf(verdict)).toEqual(found);
        for (const finding of found) expect(verdict[finding]).toBe(1);
        expect(verdict.examples.length).toBeGreaterThanOrEqual(found.length);
      }),
    );
  });

  it('does not let what was sent again explain the copy of another message', () => {
    fc.assert(
      fc.property(world, fc.infiniteStream(fc.nat()), ({ lives, mix }, chooser) => {
        const history = new History(lives);
        const before = history.judge(mix).unexplained;
        const device = (chooser.next().value as number) % lives.length;
        const quiet = [...history.account.ledger.entry(device).acknowledged].filter(
          (sequence) =>
            history.account.resentTimes(device, sequence) === 0 && !history.account.invalid[device]?.has(sequence),
        );
        const sequence = quiet[(chooser.next().value as number) % quiet.length];
        fc.pre(sequence !== undefined);
        history.place(history.record(device, sequence as number, false));
        expect(history.judge(mix).unexplained).toBe(before + 1);
      }),
    );
  });
});
