import { type TopicDemands, topicMisfits } from '../gateway/core/topic-demands.ts';
import type { WantedTopic } from './wanted.ts';

/** Where the topics would not keep what a gateway demands of those that it writes to; one line each. */
export function misfits(wanted: readonly WantedTopic[], demands: ReadonlyMap<string, TopicDemands>): string[] {
  const byName = new Map(wanted.map((topic) => [topic.name, topic]));
  return [...demands].flatMap(([name, demanded]) => {
    const topic = byName.get(name);
    return topic === undefined
      ? [`${name}: the gateway writes to it, but the file has no such topic`]
      : topicMisfits(topic, demanded).map(({ message }) => `${name}: ${message}`);
  });
}
