import { Type } from 'typebox';
import { deviceKinds, maxGroupBytes, maxGroups } from '../core/identity.ts';
import { logLevels } from './log-level.ts';

const closed = { additionalProperties: false } as const;
/** RFC 3339. */
const time = (description: string) => Type.String({ format: 'date-time', description });

/** As for the registry: neither separators and wildcards of topics nor white space. */
export const idPattern = '^[A-Za-z0-9._:@~-]{1,128}$';
const id = (description: string) => Type.String({ pattern: idPattern, description });
export const kind = Type.String({ enum: [...deviceKinds], description: 'What it is.' });

const groups = Type.Array(Type.String({ pattern: `^[A-Za-z0-9._:@~-]{1,${maxGroupBytes}}$` }), {
  maxItems: maxGroups,
  description: 'Names that rules of authorization may go by.',
});
const certificateFingerprint = Type.String({
  pattern: '^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$',
  description: 'SHA-256 of the one certificate that it may show.',
});

export const deviceParams = Type.Object({ deviceId: id('MQTT user name of the device.') }, closed);

export const device = Type.Object(
  {
    deviceId: id('MQTT user name.'),
    kind,
    boundTo: id('The one vehicle or bay that it may publish for.'),
    enabled: Type.Boolean(),
    groups,
    certificateFingerprint: Type.Optional(certificateFingerprint),
    createdAt: time('When it was registered.'),
    rotatedAt: Type.Optional(time('When its secret was last replaced.')),
  },
  closed,
);

export const newDevice = Type.Object(
  {
    deviceId: id('MQTT user name.'),
    kind,
    boundTo: id('The one vehicle or bay that it may publish for.'),
    enabled: Type.Optional(Type.Boolean({ description: 'Whether it may connect; true unless given.' })),
    groups: Type.Optional(groups),
    certificateFingerprint: Type.Optional(certificateFingerprint),
  },
  closed,
);

const secret = Type.String({ description: 'Its MQTT password. Shown this once.' });
export const createdDevice = Type.Object({ device, secret }, closed);

const sessionsEnded = Type.Integer({
  description:
    'Connections of the device at this gateway that were ended. Others end those that they have within 5 seconds.',
});
export const changedDevice = Type.Object({ device, sessionsEnded }, closed);
export const rotatedDevice = Type.Object({ deviceId: Type.String(), secret, sessionsEnded }, closed);
export const removedDevice = Type.Object({ deviceId: Type.String(), sessionsEnded }, closed);
/** A merge patch (RFC 7396). */
export const deviceChange = Type.Object(
  {
    enabled: Type.Optional(Type.Boolean({ description: 'Whether it may connect.' })),
    kind: Type.Optional(kind),
    boundTo: Type.Optional(id('The one vehicle or bay that it may publish for.')),
    groups: Type.Optional(Type.Union([groups, Type.Null()], { description: 'In place of those before; null: none.' })),
    certificateFingerprint: Type.Optional(
      Type.Union([certificateFingerprint, Type.Null()], { description: 'null: any certificate of its own will do.' }),
    ),
  },
  { ...closed, minProperties: 1 },
);

const limit = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 1000, description: 'Most entries of this page; 100 unless given.' }),
);
export const usualLimit = 100;
const nextCursor = Type.Optional(
  Type.String({ description: 'Where to go on (`cursor`). A page without it is the last one; others may be short.' }),
);

export const deviceQuery = Type.Object(
  {
    cursor: Type.Optional(id('The last device that was seen.')),
    limit,
    kind: Type.Optional(kind),
    enabled: Type.Optional(Type.Boolean()),
  },
  closed,
);
export const devicePage = Type.Object({ devices: Type.Array(device), nextCursor }, closed);

export const importedDevices = Type.Object(
  {
    added: Type.Integer(),
    secrets: Type.Array(Type.Object({ deviceId: Type.String(), secret }, closed), {
      description: 'Of the devices that came without one.',
    }),
  },
  closed,
);

const sessionId = (description: string) => Type.String({ pattern: '^[A-Za-z0-9_-]{1,1024}$', description });
export const sessionParams = Type.Object({ sessionId: sessionId('`id` of a session.') }, closed);
export const sessionQuery = Type.Object(
  {
    cursor: Type.Optional(sessionId('The last session that was seen.')),
    limit,
    deviceId: Type.Optional(id('Only its.')),
  },
  closed,
);

const sessionProperties = {
  id: Type.String({ description: 'The same whenever this device connects with this client identifier.' }),
  clientId: Type.String(),
  deviceId: Type.String(),
  kind: Type.String(),
  boundTo: Type.String(),
  groups: Type.Array(Type.String(), { description: 'What rules of authorization judge it by.' }),
  listener: Type.String(),
  remoteAddress: Type.Optional(Type.String()),
  version: Type.String({ description: 'Of MQTT: `3.1.1` or `5.0`.' }),
  connectedAt: time('When it connected.'),
  inFlight: Type.Integer({ description: 'QoS 1 and 2 publishes that are not answered for good.' }),
  subscriptionCount: Type.Integer(),
};
const session = Type.Object(sessionProperties, closed);
export const sessionPage = Type.Object({ sessions: Type.Array(session), nextCursor }, closed);
export const sessionDetails = Type.Object(
  {
    ...sessionProperties,
    keepAliveSeconds: Type.Number(),
    receiveMaximum: Type.Integer({ description: 'How many publishes it may have in flight.' }),
    expirySeconds: Type.Integer({ description: 'How long the session outlives the connection.' }),
    hasWill: Type.Boolean(),
    isPaused: Type.Boolean({ description: 'Not read at the moment, under pressure.' }),
    unansweredBytes: Type.Integer({ description: 'Payload bytes of the publishes without an answer.' }),
    subscriptions: Type.Array(Type.Object({ filter: Type.String(), qos: Type.Integer() }, closed)),
  },
  closed,
);
export const endedSession = Type.Object({ id: Type.String() }, closed);

export const configuration = Type.Unknown({ description: 'The effective settings, secrets masked.' });

const level = Type.String({ enum: [...logLevels], description: 'Least severe level that is written.' });
export const logLevelState = Type.Object(
  {
    level,
    configured: Type.String({ description: 'That of the configuration, which a restart brings back.' }),
    until: Type.Optional(time('When the configured one is set again.')),
  },
  closed,
);
export const logLevelChange = Type.Object(
  {
    level,
    forSeconds: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 86_400, description: 'For how long; then the configured level is back.' }),
    ),
  },
  closed,
);

export const problem = Type.Object(
  {
    type: Type.String({ description: '`urn:edge-ingest-gateway:problem:` and the kind.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What to do.' }),
    instance: Type.String({ description: 'Id of the request, as in the audit records.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          line: Type.Optional(Type.Integer()),
          pointer: Type.Optional(Type.String()),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { description: 'RFC 9457.' },
);
