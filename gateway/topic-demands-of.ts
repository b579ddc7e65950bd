import type { GatewayConfig } from './config/schema.ts';
import type { TimestampBounds, TopicDemands } from './core/topic-demands.ts';

/**
 * The topics that a gateway with these settings writes to, and what each must take: one source for the gateway, which
 * holds its cluster against it, and for whoever plans topics.
 */
export function topicDemandsOf(config: GatewayConfig): ReadonlyMap<string, TopicDemands> {
  const { routes, deadLetterTopic, kafka, validation, spool, alerts, connectivity } = config;
  const { maxBatchBytes } = kafka;
  const spoolMs = spool.mode === 'off' ? 0 : spool.maxAgeSeconds * 1000;
  const eventTimes: TimestampBounds = {
    maxAheadMs: validation.maxClockAheadSeconds * 1000,
    maxBehindMs: validation.maxClockBehindSeconds * 1000 + spoolMs,
  };
  // Dead letters and connectivity events are dated with the gateway's time.
  const receiptTimes: TimestampBounds = { maxAheadMs: 0, maxBehindMs: spoolMs };
  return new Map([
    // First, so that a topic that also has events must take those.
    ...(connectivity.enabled ? [[connectivity.topic, { maxBatchBytes, timestamps: receiptTimes }] as const] : []),
    ...routes.map(({ kafkaTopic }): [string, TopicDemands] => [kafkaTopic, { maxBatchBytes, timestamps: eventTimes }]),
    // Under the timestamps of the events that cause them.
    ...(alerts.enabled ? [[alerts.topic, { maxBatchBytes, timestamps: eventTimes }] as const] : []),
    [deadLetterTopic, { maxBatchBytes, timestamps: receiptTimes }],
  ]);
}
