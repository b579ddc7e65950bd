import { type Static, Type } from 'typebox';
import { defaultRoutes } from '../core/default-routes.ts';
import { administration } from './schema-administration.ts';
import { alerts } from './schema-alerts.ts';
import { authorization } from './schema-authorization.ts';
import { deadLetters } from './schema-dead-letters.ts';
import { identity, listener, mqtt } from './schema-devices.ts';
import { duplicates } from './schema-duplicates.ts';
import { encryption } from './schema-encryption.ts';
import { connectivity, eventSettings, eventTopics, routes, validation } from './schema-events.ts';
import { kafka } from './schema-kafka.ts';
import { limits } from './schema-limits.ts';
import { integer, section, text } from './schema-parts.ts';
import { schemaRegistry } from './schema-registry.ts';
import { memory, readiness, shutdown } from './schema-running.ts';
import { spool } from './schema-spool.ts';

const admin = section('HTTP server for health and metrics.', {
  host: text('Address to listen on.', { default: '127.0.0.1', minLength: 1 }),
  port: integer('TCP port; 0 takes any free one.', { default: 9464, minimum: 0, maximum: 65_535 }),
});

const log = section('Logging.', {
  level: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    default: 'info',
    description: 'Least severe level that is written.',
  }),
});

/** Every setting of the gateway, in the order of the reference. One source for validation, types, defaults and docs. */
export const gatewaySettings = section('Settings of the Edge Ingest Gateway.', {
  listeners: Type.Array(listener, {
    default: [{ name: 'devices' }],
    minItems: 1,
    description: 'Addresses that devices connect to.',
  }),
  mqtt,
  identity,
  authorization,
  limits,
  ...routes(defaultRoutes),
  validation,
  kafka,
  spool,
  encryption,
  ...eventSettings,
  eventTopics,
  connectivity,
  deadLetters,
  duplicates,
  alerts,
  schemaRegistry,
  admin,
  administration,
  readiness,
  memory,
  shutdown,
  log,
});

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The effective settings: complete, checked, deeply frozen. Units are in the names. */
export type GatewayConfig = DeepReadonly<Static<typeof gatewaySettings>>;
