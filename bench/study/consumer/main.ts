// Child process of the study: an ordinary consumer of the telemetry topic, which notes when each record reached it.
import { randomUUID } from 'node:crypto';
import { Consumer } from '@platformatic/kafka';
import { EndToEnd } from './end-to-end.ts';
import type { ConsumerReply, ConsumerRequest, ConsumerSubject } from './protocol.ts';

/** How long a broker holds a fetch that finds nothing; a record that arrives meanwhile is sent at once. */
const longestPollMs = 500;
const arrivalDeadlineMs = 10_000;

const { bootstrap, topic } = JSON.parse(process.argv[2] ?? '') as ConsumerSubject;
const endToEnd = new EndToEnd();
const say = (reply: ConsumerReply): void => {
  process.send?.(reply);
};
const fail = (error: Error): void => say({ kind: 'failed', message: error.message });

const consumer = new Consumer({
  clientId: 'study-consumer',
  groupId: `study-${randomUUID()}`,
  bootstrapBrokers: [...bootstrap],
});
// Where the topic ends now: nothing that is written from here on is missed, however long joining the group takes.
const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic) ?? [];
const stream = await consumer.consume({
  topics: [topic],
  mode: 'manual',
  offsets: ends.map((offset, partition) => ({ topic, partition, offset })),
  autocommit: false,
  minBytes: 1,
  maxWaitTime: longestPollMs,
});
stream.on('error', fail);
stream.on('data', ({ timestamp }) => endToEnd.record(Number(timestamp), performance.timeOrigin + performance.now()));

const answer = async (request: ConsumerRequest): Promise<ConsumerReply> => {
  if (request.kind === 'expect') {
    endToEnd.expect(request.fromMs, request.toMs);
    return { kind: 'expecting' };
  }
  await endToEnd.untilArrived(request.arrived, arrivalDeadlineMs);
  return { kind: 'reported', arrived: endToEnd.arrived, figures: endToEnd.figures() };
};

process.on('message', (request: ConsumerRequest) => {
  answer(request).then(say, fail);
});
// Nothing of it is kept: there is nothing to close in order.
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
say({ kind: 'ready' });
