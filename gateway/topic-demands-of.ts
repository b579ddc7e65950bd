import type { GatewayConfig } from './config/schema.ts';
import type { TimestampBounds, TopicDemands } from './core/topic-demands.ts';

/**
 * The topics that a gateway with these settings writes to, and what each must take: one source for the gateway, which
 * holds its cluster against it, and for whoever plans topics.
 */
export function topicDemandsOf(config: GatewayConfig): ReadonlyMap<string, TopicDemands> {
  const { routes, deadLetterTopic, kafka, validation, spool, alerts, connectivity, administration } = config;
  const auditTopic = administration.enabled ? administration.audit.topic : '';
  const { maxBatchBytes } = kafka;
  const spoolMs = spool.mode === 'off' ? 0 : spool.maxAgeSeconds * 1000;
  const eventTimes: TimestampBounds = {
    maxAheadMs: validation.maxClockAheadSeconds * 1000,
    maxBehindMs: validation.maxClockBehindSeconds * 1000 + spoolMs,
  };
  // Dead letters, connectivity events and audit records are dated with the gateway's time; the latter are never spooled.
  const receiptTimes: TimestampBounds = { maxAheadMs: 0, maxBehindMs: spoolMs };
  const writingTimes: TimestampBounds = { maxAheadMs: 0, maxBehindMs: 0 };
  return new Map([
    // First, so that a topic that also has events must take those.
    ...(connectivity.enabled ? [[connectivity.topic, { maxBatchBytes, timestamps: receiptTimes }] as const] : []),
    ...routes.map(({ kafkaTopic }): [string, TopicDemands] => [kafkaTopic, { maxBatchBytes, timestamps: eventTimes }]),
    // Under the timestamps of the events that cause them.
    ...(alerts.enabled ? [[alerts.topic, { maxBatchBytes, timestamps: eventTimes }] as const] : []),
    ...(auditTopic === '' ? [] : [[auditTopic, { maxBatchBytes, timestamps: writingTimes }] as const]),
    [deadLetterTopic, { maxBatchBytes, timestamps: receiptTimes }],
  ]);
}

/** The same without the topic of audit records, which go there by a way of their own. */
export function telemetryDemandsOf(config: GatewayConfig): ReadonlyMap<string, TopicDemands> {
  const demands = new Map(topicDemandsOf(config));
  // Switched off, its topic may have the name of another one.
  if (config.administration.enabled) demands.delete(config.administration.audit.topic);
  return demands;
}

/** Topics that a gateway with these settings writes events to, and what it derives from them: no letters, no audit records. */
export function eventTopicsOf(config: GatewayConfig): string[] {
  const others = new Set([config.deadLetterTopic, config.administration.audit.topic]);
  return [...topicDemandsOf(config).keys()].filter((topic) => !others.has(topic));
}
