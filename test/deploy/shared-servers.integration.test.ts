import { expect, test } from 'vitest';
import { visibleBrokers, visibleLeaders } from '../../deploy/local/kafka-ready.ts';
import { sharedServers } from '../support/servers.ts';
import { createTopic } from '../support/topics.ts';

test('the shared broker answers, and a topic has leaders when createTopic returns', async () => {
  const { bootstrap } = sharedServers();
  const topic = await createTopic(bootstrap, { partitions: 3, config: { 'retention.ms': '60000' } });
  const [address] = bootstrap as [string];
  expect(await visibleBrokers(address)).toHaveLength(1);
  expect(await visibleLeaders(address, topic)).toBe(3);
});

test('the shared registry speaks the Confluent REST API', async () => {
  const response = await fetch(`${sharedServers().registryUrl}/subjects`);
  expect(response.status).toBe(200);
  expect(await response.json()).toBeInstanceOf(Array);
});
