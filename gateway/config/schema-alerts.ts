import { Type } from 'typebox';
import { type Severity, severities } from '../core/alerts/alert.ts';
import { kafkaTopic } from './schema-events.ts';
import { integer, section, text } from './schema-parts.ts';

const state = section('What is remembered of each vehicle, over a restart.', {
  directory: text(
    'Directory of its own for it. Empty: it is kept in memory only, and a start begins without it; see docs/alerts.md.',
    { default: '', holds: 'path' },
  ),
  snapshotSeconds: integer('From one file with all vehicles to the next; changes in between are appended to it.', {
    default: 60,
    minimum: 1,
    maximum: 86_400,
  }),
});

const enabled = (description: string) => Type.Boolean({ default: true, description });

const severity = (value: Severity, description = 'Severity of its alerts.') =>
  Type.Enum([...severities], { default: value, description });

const lowBattery = section('Low battery, raised at one level and cleared at a higher one.', {
  enabled: enabled('Whether the rule is applied.'),
  lowPercent: integer('State of charge at or below which it is raised.', { default: 15, minimum: 0, maximum: 99 }),
  recoveredPercent: integer('State of charge at or above which it is cleared; higher than `lowPercent`.', {
    default: 20,
    minimum: 1,
    maximum: 100,
  }),
  severity: severity('warning'),
});

const geofences = section('Areas that vehicles must stay in or out of.', {
  path: Type.Optional(
    text(
      'GeoJSON FeatureCollection of polygons and multipolygons, each with `id` and property `kind`. None: no fences.',
      {
        minLength: 1,
        holds: 'path',
      },
    ),
  ),
  maxFences: integer('Fences above which the file is refused.', { default: 100_000, minimum: 1, maximum: 1_000_000 }),
  maxPositionsPerFence: integer('Positions of all rings of a fence above which the file is refused.', {
    default: 10_000,
    minimum: 4,
    maximum: 1_000_000,
  }),
  maxPositions: integer('Positions of all fences together above which the file is refused.', {
    default: 500_000,
    minimum: 4,
    maximum: 100_000_000,
  }),
  maxAccuracyM: integer('Positions with a larger radius of accuracy are not compared with fences.', {
    default: 50,
    minimum: 0,
    maximum: 100_000,
  }),
  severity: severity('warning', 'Severity of the alerts of fences that name none.'),
});

const faultCode = { pattern: '^([^*]{1,32}|[^*]{0,31}\\*)$', rule: '1 to 32 characters, * only as the last' } as const;

const faultCodes = section('Maintenance required: fault codes that become active.', {
  enabled: enabled('Whether the rule is applied.'),
  codes: Type.Array(text('Fault code, or its beginning with `*` behind it.', faultCode), {
    default: ['*'],
    description: 'Which codes count.',
  }),
  clearAfterSeconds: integer('How long all raised codes must have been inactive before they are cleared.', {
    default: 3600,
    minimum: 0,
    maximum: 31_536_000,
  }),
  severity: severity('warning'),
});

const odometerService = section('Maintenance required: the odometer passes a multiple of an interval.', {
  enabled: enabled('Whether the rule is applied.'),
  intervalKm: integer('Kilometres from one service to the next.', { default: 15_000, minimum: 1, maximum: 4_000_000 }),
  severity: severity('info'),
});

const suddenStop = section('Sudden stop: speed falls far in a short time, to a standstill or nearly so.', {
  enabled: enabled('Whether the rule is applied.'),
  minDropKmh: integer('Least fall of speed.', { default: 35, minimum: 1, maximum: 540 }),
  withinMs: integer('Longest time between the higher speed and the lower one.', {
    default: 2000,
    minimum: 1,
    maximum: 60_000,
  }),
  stoppedKmh: integer('Speed at or below which the vehicle counts as stopped.', {
    default: 5,
    minimum: 0,
    maximum: 540,
  }),
  severity: severity('critical'),
});

/** The settings about alerts. */
export const alerts = section('Alerts derived from what vehicles report.', {
  enabled: Type.Boolean({ default: false, description: 'Whether alerts are derived.' }),
  topic: text('Kafka topic of alerts.', { default: 'alerts', ...kafkaTopic }),
  maxVehicles: integer('Vehicles whose state is kept; above that, the one longest silent is forgotten.', {
    default: 100_000,
    minimum: 1,
    maximum: 10_000_000,
  }),
  state,
  watchSeconds: integer(
    'How often the settings file and the file of geofences are looked at; a change is taken as on SIGHUP. 0: on SIGHUP only.',
    { default: 10, minimum: 0, maximum: 86_400 },
  ),
  lowBattery,
  geofences,
  faultCodes,
  odometerService,
  suddenStop,
});
