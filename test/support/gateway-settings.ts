import { randomUUID } from 'node:crypto';
import { defaultRoutes } from '../../gateway/core/default-routes.ts';

export interface GatewaySettings {
  readonly eventsTopic: string;
  readonly deadLetterTopic: string;
  /** Of the route for raw bytes, the answers to commands. */
  readonly rawTopic: string;
  /** To be given to the gateway. */
  readonly settings: Record<string, object | string>;
}

export interface SettingsWish {
  readonly bootstrap: readonly string[];
  readonly registryUrl: string;
  readonly databasePath?: string;
  readonly partitions?: number;
  readonly auth?: 'registry' | 'anonymous';
  /** Replaces whole sections, or adds to the ones that the builder makes. */
  readonly sections?: Record<string, object>;
}

/** Settings for a gateway with free ports and topics of its own, so that suites on one broker do not meet. */
export function gatewaySettings(wish: SettingsWish): GatewaySettings {
  const prefix = `t${randomUUID().slice(0, 8)}`;
  const eventsTopic = `${prefix}.events.raw`;
  const deadLetterTopic = `${prefix}.events.raw.dlq`;
  const rawTopic = `${prefix}.veh.commands.status`;
  const { auth = 'registry', sections = {} } = wish;
  const settings: Record<string, object | string> = {
    listeners: [{ name: 'devices', host: '127.0.0.1', port: 0, auth }],
    ...(wish.databasePath === undefined ? {} : { identity: { databasePath: wish.databasePath } }),
    routes: defaultRoutes.map((route) => ({
      ...route,
      kafkaTopic: route.kafkaTopic === 'veh.events.raw' ? eventsTopic : `${prefix}.${route.kafkaTopic}`,
    })),
    deadLetterTopic,
    schemaRegistry: { url: wish.registryUrl },
    admin: { port: 0 },
    log: { level: 'debug' },
    kafka: {
      bootstrapBrokers: [...wish.bootstrap],
      createTopics: {
        enabled: true,
        partitions: wish.partitions ?? 6,
        replicationFactor: Math.min(3, wish.bootstrap.length),
        minInSyncReplicas: Math.max(1, Math.min(3, wish.bootstrap.length) - 1),
      },
    },
  };
  for (const [name, section] of Object.entries(sections)) {
    const made = settings[name];
    settings[name] = typeof made === 'object' && !Array.isArray(made) ? { ...made, ...section } : section;
  }
  return { eventsTopic, deadLetterTopic, rawTopic, settings };
}
