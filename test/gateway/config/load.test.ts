import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Check } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfigError, describeConfigError } from '../../../gateway/config/errors.ts';
import { defaultConfig, loadConfig } from '../../../gateway/config/load.ts';
import { gatewaySettings } from '../../../gateway/config/schema.ts';
import { defaultRoutes } from '../../../gateway/core/default-routes.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (text: string): string => {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, text);
  return file;
};

const errorsOf = (settings: unknown, env: Record<string, string> = {}): readonly ConfigError[] => {
  const result = loadConfig({ settings, env });
  return result.ok ? [] : result.errors;
};

const configOf = (settings: unknown, env: Record<string, string> = {}) => {
  const result = loadConfig({ settings, env });
  if (!result.ok) throw new Error(result.errors.map(describeConfigError).join('\n'));
  return result.config;
};

describe('defaults', () => {
  it('make a complete configuration by themselves', () => {
    expect(configOf({})).toEqual(defaultConfig);
    expect(Check(gatewaySettings, defaultConfig)).toBe(true);
  });

  it('hold the routes of the core', () => {
    expect(defaultConfig.routes).toEqual(defaultRoutes);
  });

  it('are not changed by a configuration that was loaded before', () => {
    configOf({ kafka: { lingerMs: 7 }, listeners: [{ name: 'other', port: 7 }] });
    expect(configOf({})).toEqual(defaultConfig);
  });

  it('are frozen to the last leaf, as every configuration is', () => {
    const config = configOf({ kafka: { bootstrapBrokers: ['a:1'] } });
    expect(Object.isFrozen(config.kafka.createTopics)).toBe(true);
    expect(Object.isFrozen(config.kafka.bootstrapBrokers)).toBe(true);
    expect(Object.isFrozen(config.routes[0])).toBe(true);
  });
});

describe('a file', () => {
  it('overrides defaults and leaves the rest of its sections alone', () => {
    const result = loadConfig({
      file: write('kafka:\n  lingerMs: 9\nlisteners:\n  - name: a\n    port: 0\n'),
      env: {},
    });
    expect(result).toMatchObject({
      ok: true,
      config: {
        kafka: { lingerMs: 9, maxBatchBytes: 524_288, createTopics: { partitions: 12 } },
        listeners: [{ name: 'a', host: '127.0.0.1', port: 0, auth: 'registry', credentials: 'secret' }],
      },
    });
  });

  it('in which everything is commented out gives the defaults', () => {
    expect(loadConfig({ file: write('# nothing\n'), env: {} })).toEqual({ ok: true, config: defaultConfig });
  });

  it('has its relative paths resolved against its folder', () => {
    const file = write('identity: { databasePath: data/devices.sqlite }\nprotoPaths: [own]\nschemaPaths: [/abs]\n');
    const result = loadConfig({ file, env: {} });
    expect(result.ok && result.config.identity.databasePath).toBe(join(folder, 'data/devices.sqlite'));
    expect(result.ok && result.config.protoPaths).toEqual([join(folder, 'own'), ...defaultConfig.protoPaths]);
    expect(result.ok && result.config.schemaPaths).toEqual(['/abs', ...defaultConfig.schemaPaths]);
  });

  it.each([
    ['that is missing', () => join(folder, 'missing.yaml'), /ENOENT/],
    ['that is not YAML', () => write('kafka: {\n'), /line \d/],
    ['with a key that stands twice', () => write('log: {}\nlog: {}\n'), /unique/i],
    ['that ends in an alias to nothing', () => write('log: *nowhere\n'), /nowhere/],
  ])('%s refuses the start and is named', (_what, makeFile, problem) => {
    const file = makeFile();
    const result = loadConfig({ file, env: {} });
    expect(result.ok ? [] : result.errors).toMatchObject([{ code: 'unreadable_file', setting: file }]);
    expect(result.ok ? '' : result.errors[0]?.value).toMatch(problem);
  });
});

describe('a wrong value', () => {
  it.each<[unknown, string, string, string]>([
    [{ kafka: { lingerMs: '5' } }, 'kafka.lingerMs', '"5"', 'whole number from 0 to 10000'],
    [{ kafka: { lingerMs: 5.5 } }, 'kafka.lingerMs', '5.5', 'whole number from 0 to 10000'],
    [{ kafka: { lingerMs: -1 } }, 'kafka.lingerMs', '-1', 'whole number from 0 to 10000'],
    [{ kafka: { lingerMs: null } }, 'kafka.lingerMs', 'null', 'whole number from 0 to 10000'],
    [{ kafka: { createTopics: { enabled: 'yes' } } }, 'kafka.createTopics.enabled', '"yes"', 'true or false'],
    [{ kafka: { bootstrapBrokers: 'a:1' } }, 'kafka.bootstrapBrokers', '"a:1"', 'a list of at least 1'],
    [{ kafka: { bootstrapBrokers: [] } }, 'kafka.bootstrapBrokers', '[]', 'a list of at least 1'],
    [{ kafka: { bootstrapBrokers: ['a'] } }, 'kafka.bootstrapBrokers[0]', '"a"', 'host:port'],
    [{ kafka: { bootstrapBrokers: ['a:0'] } }, 'kafka.bootstrapBrokers[0]', '"a:0"', 'port from 1 to 65535'],
    [{ admin: 7 }, 'admin', '7', 'a mapping of settings'],
    // What stands in the place of a section that has secrets may be one.
    [{ kafka: 7 }, 'kafka', '***', 'a mapping of settings'],
    [[], 'the settings', '***', 'a mapping of settings'],
    [{ log: { level: 'loud' } }, 'log.level', '"loud"', 'one of fatal, error, warn'],
    [{ listeners: [] }, 'listeners', '[]', 'a list of at least 1'],
    [{ listeners: [{ name: 'Upper' }] }, 'listeners[0].name', '"Upper"', 'in lower case'],
    [{ listeners: [{ name: 'a', port: 65_536 }] }, 'listeners[0].port', '65536', 'whole number from 0 to 65535'],
    [{ listeners: [{ name: 'a', auth: 'none' }] }, 'listeners[0].auth', '"none"', 'one of registry, anonymous'],
    [{ schemaRegistry: { url: 'ftp://x' } }, 'schemaRegistry.url', '"ftp://x"', 'http or https'],
    [{ schemaRegistry: { url: 'http://:' } }, 'schemaRegistry.url', '"http://:"', 'http or https'],
    [{ deadLetterTopic: 'a b' }, 'deadLetterTopic', '"a b"', 'letters, digits'],
    [{ deadLetterTopic: '..' }, 'deadLetterTopic', '".."', 'neither . nor ..'],
    [{ shutdown: { serverReference: 'a:1,  b:1' } }, 'shutdown.serverReference', '"a:1,  b:1"', 'single spaces'],
    [{ shutdown: { serverReference: 'a\0b' } }, 'shutdown.serverReference', '"a\\u0000b"', 'single spaces'],
  ])('%j is refused, and the message names setting, value and what is allowed', (settings, setting, value, allowed) => {
    const errors = errorsOf(settings);
    expect(errors).toMatchObject([{ code: 'wrong_value', setting, value }]);
    expect(errors[0]?.allowed).toContain(allowed);
    const text = errors.map(describeConfigError).join();
    expect(text).toContain(setting);
    expect(text).toContain(value);
    expect(text).toContain(allowed);
  });

  it('a server reference that no packet should carry is one', () => {
    const withLength = (length: number) => errorsOf({ shutdown: { serverReference: 'x'.repeat(length) } });
    expect(withLength(1000)).toEqual([]);
    expect(withLength(1001)[0]?.allowed).toContain('up to 1000 characters');
  });

  it('is reported together with all others', () => {
    const settings = { kafka: { lingerMs: -1, softBytes: 'x' }, log: { level: 1 }, listeners: [{ port: 1 }] };
    expect(errorsOf(settings).map(({ code, setting }) => `${code} ${setting}`)).toEqual([
      'missing_setting listeners[0].name',
      'wrong_value kafka.lingerMs',
      'wrong_value kafka.softBytes',
      'wrong_value log.level',
    ]);
  });
});

describe('an unknown setting', () => {
  it.each<[unknown, string, string]>([
    [{ kafka: { linger: 5 } }, 'kafka.linger', 'did you mean lingerMs?'],
    [{ kafka: { lingerms: 5 } }, 'kafka.lingerms', 'did you mean lingerMs?'],
    [{ kakfa: {} }, 'kakfa', 'did you mean kafka?'],
    [{ drainDeadlineMs: 1 }, 'drainDeadlineMs', 'did you mean shutdown.drainDeadlineMs?'],
    [{ log: { colour: 'red' } }, 'log.colour', 'known here: level'],
    [{ listeners: [{ name: 'a', prot: 1 }] }, 'listeners[0].prot', 'did you mean port?'],
  ])('%j is refused with what was probably meant', (settings, setting, allowed) => {
    expect(errorsOf(settings)).toMatchObject([{ code: 'unknown_setting', setting, allowed }]);
  });
});

describe('contradictions', () => {
  const route = {
    pattern: 'own/{id}',
    format: 'raw',
    kafkaTopic: 'own',
    key: 'topic:id',
    deviceKind: 'bay',
    subject: 'id',
    eventType: 'own.v1',
  };

  it.each<[unknown, string, RegExp]>([
    [{ kafka: { softRecords: 100_000 } }, 'kafka.softRecords', /less than kafka.hardRecords \(100000\)/],
    [{ kafka: { softBytes: 67_108_864 } }, 'kafka.softBytes', /less than kafka.hardBytes/],
    [{ kafka: { softBytes: 400_000 } }, 'kafka.maxBatchBytes', /at most kafka.softBytes/],
    [{ kafka: { softRecords: 9_999 } }, 'kafka.maxBatchRecords', /at most kafka.softRecords/],
    [{ kafka: { retryBackoffMs: 1001 } }, 'kafka.retryBackoffMs', /at most kafka.retryBackoffMaxMs/],
    [{ kafka: { lingerMs: 200, requestTimeoutMs: 200 } }, 'kafka.lingerMs', /less than kafka.requestTimeoutMs/],
    [{ mqtt: { maxConnections: 100_001 } }, 'mqtt.maxSessions', /at least mqtt.maxConnections \(100001\)/],
    [{ mqtt: { maxPacketBytes: 524_288 } }, 'mqtt.maxPacketBytes', /kafka.maxBatchBytes less 16384/],
    [
      { kafka: { createTopics: { replicationFactor: 1 } } },
      'kafka.createTopics.minInSyncReplicas',
      /replicationFactor \(1\)/,
    ],
    [{ identity: { databasePath: '' } }, 'identity.databasePath', /listener devices has auth: registry/],
    [{ admin: { port: 1883 } }, 'admin.port', /listener devices/],
    [
      {
        listeners: [
          { name: 'a', port: 1 },
          { name: 'a', port: 2 },
        ],
      },
      'listeners[1].name',
      /no other listener/,
    ],
    [{ listeners: [{ name: 'a' }, { name: 'b', host: '127.0.0.1' }] }, 'listeners[1].port', /listener a/],
    [{ deadLetterTopic: 'veh.events.raw' }, 'deadLetterTopic', /no route writes to/],
    [{ shutdown: { serverMoved: true } }, 'shutdown.serverMoved', /shutdown.serverReference/],
  ])('%j is refused once, at the setting to change', (settings, setting, allowed) => {
    const errors = errorsOf(settings);
    expect(errors).toMatchObject([{ code: 'contradiction', setting }]);
    expect(errors[0]?.allowed).toMatch(allowed);
  });

  it.each([
    [
      'free ports',
      {
        listeners: [
          { name: 'a', port: 0 },
          { name: 'b', port: 0 },
        ],
        admin: { port: 0 },
      },
    ],
    [
      'one port on two addresses',
      {
        listeners: [
          { name: 'a', host: '127.0.0.1' },
          { name: 'b', host: '127.0.0.2' },
        ],
      },
    ],
    [
      'IPv4 and IPv6 side by side',
      {
        listeners: [
          { name: 'a', host: '0.0.0.0', allowPlaintext: true },
          { name: 'b', host: '::1' },
        ],
      },
    ],
    [
      'anonymous listeners without a registry',
      { listeners: [{ name: 'a', auth: 'anonymous' }], identity: { databasePath: '' } },
    ],
  ])('%s are none', (_what, settings) => {
    expect(errorsOf(settings)).toEqual([]);
  });

  it.each<[object, string, RegExp]>([
    [{ key: 'topic:other' }, 'routes[0]', /other/],
    [{ key: 'payload:id' }, 'routes[0]', /raw/],
    [{ subject: 'other' }, 'routes[0]', /other/],
    [{ pattern: 'own/+' }, 'routes[0]', /\+/],
    [{ message: 'x.Y' }, 'routes[0]', /message/],
    [{ format: 'protobuf' }, 'routes[0]', /message/],
  ])('a route with %j is refused by its place and its pattern', (change, setting, problem) => {
    const errors = errorsOf({ routes: [{ ...route, ...change }] });
    expect(errors).toMatchObject([{ code: 'invalid_route', setting }]);
    expect(describeConfigError(errors[0] as ConfigError)).toMatch(problem);
  });

  it('two routes for one topic are refused', () => {
    const errors = errorsOf({
      routes: [route, { ...route, pattern: 'own/{other}', key: 'topic:other', subject: 'other' }],
    });
    expect(errors).toMatchObject([{ code: 'invalid_route', setting: 'routes' }]);
  });
});

describe('the environment', () => {
  it('overrides the file', () => {
    const env = {
      EDGE_KAFKA_LINGER_MS: '11',
      EDGE_KAFKA_CREATE_TOPICS_MIN_IN_SYNC_REPLICAS: '1',
      EDGE_KAFKA_CREATE_TOPICS_ENABLED: 'true',
      EDGE_KAFKA_BOOTSTRAP_BROKERS: '["k1:9092", "k2:9092"]',
      EDGE_KAFKA_CLIENT_ID: '12345',
      EDGE_LISTENERS: '[{name: a, port: 7}]',
      EDGE_LOG_LEVEL: 'debug',
      HOME: '/somewhere',
    };
    const config = configOf({ kafka: { lingerMs: 9, maxBatchRecords: 10 } }, env);
    expect(config.kafka).toMatchObject({
      lingerMs: 11,
      maxBatchRecords: 10,
      bootstrapBrokers: ['k1:9092', 'k2:9092'],
      clientId: '12345',
      createTopics: { enabled: true, minInSyncReplicas: 1, partitions: 12 },
    });
    expect(config.listeners).toMatchObject([
      { name: 'a', host: '127.0.0.1', port: 7, auth: 'registry', credentials: 'secret', allowPlaintext: false },
    ]);
    expect(config.log.level).toBe('debug');
  });

  it('has its relative paths resolved against the working directory', () => {
    const config = configOf({}, { EDGE_IDENTITY_DATABASE_PATH: 'd.sqlite', EDGE_PROTO_PATHS: '[p]' });
    expect(config.identity.databasePath).toBe(resolve('d.sqlite'));
    expect(config.protoPaths[0]).toBe(resolve('p'));
  });

  it.each<[Record<string, string>, ConfigError['code'], string, RegExp]>([
    [{ EDGE_KAFKA_LINGER_MS: '5ms' }, 'wrong_value', 'EDGE_KAFKA_LINGER_MS (kafka.lingerMs)', /whole number/],
    [{ EDGE_KAFKA_LINGER_MS: '' }, 'wrong_value', 'EDGE_KAFKA_LINGER_MS (kafka.lingerMs)', /whole number/],
    [{ EDGE_LISTENERS: '[{name: a' }, 'wrong_value', 'EDGE_LISTENERS (listeners)', /a list/],
    [{ EDGE_LISTENERS: '[{name: a, prot: 1}]' }, 'unknown_setting', 'EDGE_LISTENERS (listeners[0].prot)', /port/],
    [{ EDGE_KAFKA_LINGER: '5' }, 'unknown_setting', 'EDGE_KAFKA_LINGER', /did you mean EDGE_KAFKA_LINGER_MS/],
    [{ EDGE_NONSENSE_AT_ALL_OF_IT: '5' }, 'unknown_setting', 'EDGE_NONSENSE_AT_ALL_OF_IT', /docs\/configuration.md/],
  ])('%j is refused by the name of the variable', (env, code, setting, allowed) => {
    const errors = errorsOf({}, env);
    expect(errors).toMatchObject([{ code, setting }]);
    expect(errors[0]?.allowed).toMatch(allowed);
  });

  it('may hold the service addresses that Kubernetes adds', () => {
    const env = {
      EDGE_INGEST_GATEWAY_SERVICE_HOST: '10.0.0.1',
      EDGE_INGEST_GATEWAY_SERVICE_PORT_MQTT: '1883',
      EDGE_INGEST_GATEWAY_PORT: 'tcp://10.0.0.1:1883',
      EDGE_INGEST_GATEWAY_PORT_1883_TCP_ADDR: '10.0.0.1',
    };
    expect(errorsOf({}, env)).toEqual([]);
  });
});
