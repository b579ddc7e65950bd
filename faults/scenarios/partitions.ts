import { setTimeout as delay } from 'node:timers/promises';
import { moveLeaders, reassignAwayAndBack } from '../injectors/partitions.ts';
import { recreateTopic } from '../injectors/recreate-topic.ts';
import type { Scenario } from '../scenario.ts';
import { noEventDelivered } from './demands.ts';

export const reassign: Scenario = {
  name: 'reassign',
  title: 'Partitions move',
  what: 'leaders move from broker to broker, and a broker is taken out of the replicas and put back, under load',
  seconds: { short: 6, long: 60 },
  fault: async (world, seconds) => {
    const { kafka, topics, random } = world;
    const end = performance.now() + seconds * 1000;
    do {
      world.mark('leaders move');
      const moved = await moveLeaders(kafka.bootstrap, topics.events);
      world.demand(moved > 0, 'no leader moved');
      const broker = kafka.brokers[random.integer(kafka.brokers.length)];
      if (broker === undefined) throw new Error('there are no brokers');
      world.mark(`replicas leave broker ${broker.nodeId} and come back`);
      await reassignAwayAndBack(kafka.bootstrap, topics.events, broker.nodeId);
      await delay(500);
    } while (performance.now() < end);
  },
};

export const topicRecreated: Scenario = {
  name: 'topic-recreated',
  title: 'Topic deleted and recreated',
  what: 'the events topic is judged, deleted and created anew under load: the gateway delivers nothing meanwhile and goes on with the new one; only events that were acknowledged between the judgement and the new topic are excused',
  seconds: { short: 1, long: 10 },
  fault: async (world, seconds) => {
    const { kafka, topics } = world;
    world.mark('judged so far');
    await world.judgeBeforeDeletion();
    world.mark('topic deleted');
    await recreateTopic(kafka.bootstrap, topics.events, {
      whileGone: async () => {
        await noEventDelivered(world, seconds, 'while their topic did not exist');
        world.mark('topic created');
        world.deleted();
      },
    });
  },
};
