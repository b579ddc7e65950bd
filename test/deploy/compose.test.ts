import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { KAFKA_IMAGE, REGISTRY_IMAGE } from '../../deploy/local/containers.ts';
import { parseCommandLine } from '../../device-simulator/config/settings.ts';
import { loadConfig } from '../../gateway/config/load.ts';

interface Service {
  readonly image: string;
  readonly environment?: Record<string, string | number>;
  readonly command?: string[];
  readonly depends_on?: Record<string, unknown>;
  readonly volumes?: string[];
}

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const compose = parse(read('deploy/compose.yaml')) as { services: Record<string, Service>; volumes: object };
const dockerfile = read('deploy/Dockerfile');
const { kafka, registry, gateway, simulator } = compose.services as Record<
  'kafka' | 'registry' | 'gateway' | 'simulator',
  Service
>;

/** `NAME=value` pairs of the Dockerfile's ENV instruction. */
const imageEnvironment = Object.fromEntries(
  [...dockerfile.matchAll(/^(?:ENV)?\s+([A-Z_]+)=(\S+)/gm)].map(([, name, value]) => [name, value]),
);

describe('compose.yaml', () => {
  test('gives the gateway settings that it knows and accepts', () => {
    const loaded = loadConfig({ env: { ...imageEnvironment, ...(gateway.environment as Record<string, string>) } });
    expect(loaded).toMatchObject({
      ok: true,
      config: {
        listeners: [
          { port: 1883, auth: 'registry' },
          { port: 1884, auth: 'anonymous' },
        ],
        kafka: { bootstrapBrokers: ['kafka:19092'], createTopics: { enabled: true, replicationFactor: 1 } },
        admin: { host: '0.0.0.0', port: 9464 },
      },
    });
  });

  test('publishes no port on which nobody is asked for credentials', () => {
    expect(JSON.stringify(gateway)).toContain('127.0.0.1:1883:1883');
    expect(JSON.stringify(gateway)).not.toContain('1884:1884');
  });

  test('gives the simulator a command line that it accepts', () => {
    const [node, main, ...args] = simulator.command as string[];
    expect([node, main]).toEqual(['node', 'device-simulator/main.ts']);
    const command = parseCommandLine(args, String, String);
    expect(command).toMatchObject({
      kind: 'simulate',
      settings: { addresses: [{ host: 'gateway', port: 1884 }], verify: { kafka: ['kafka:19092'] } },
    });
  });

  test('runs the same releases as the local servers and the test containers', () => {
    const pom = read('deploy/local/pom.xml');
    expect(kafka.image).toBe(KAFKA_IMAGE);
    expect(registry.image).toBe(REGISTRY_IMAGE);
    expect(KAFKA_IMAGE.split(':')[1]).toBe(/<kafka.version>(.*)</.exec(pom)?.[1]);
    expect(REGISTRY_IMAGE.split(':')[1]).toBe(/<apicurio.version>(.*)</.exec(pom)?.[1]);
  });

  test('names only services and volumes that it declares', () => {
    for (const service of Object.values(compose.services)) {
      expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(service.depends_on ?? {})));
      const volumes = (service.volumes ?? []).map((volume) => volume.split(':')[0]);
      expect(Object.keys(compose.volumes)).toEqual(expect.arrayContaining(volumes));
    }
  });
});

describe('the image', () => {
  test('copies only what .dockerignore lets through, and runs as a user that is not root', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources]) =>
      sources?.split(' '),
    );
    expect(copied.length).toBeGreaterThan(0);
    expect(allowed).toEqual(expect.arrayContaining(copied));
    expect(dockerfile).toMatch(/^USER 1000:1000$/m);
  });

  test('holds every file that the gateway, its commands and the simulator import', () => {
    const { scripts, dependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const commands = ['start', 'simulate', 'devices', 'spool', 'topics', 'schemas', 'dead-letters', 'replay'];
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm)].map(([, folder]) => folder as string);
    const seen = new Set<string>();
    const pending = commands.map((name) => resolve(ROOT, scripts?.[name]?.replace('exec node ', '') ?? ''));
    for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      expect(copied).toContain(relative(ROOT, file).split(sep)[0]);
      for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export|\}).* from '([^']+)';$/gm)) {
        if (from.startsWith('.')) pending.push(resolve(dirname(file), from));
        else if (!from.startsWith('node:')) {
          const name = from.split('/', from.startsWith('@') ? 2 : 1).join('/');
          expect(Object.keys(dependencies ?? {}), `${relative(ROOT, file)} imports ${from}`).toContain(name);
        }
      }
    }
    expect(seen.size).toBeGreaterThan(100);
  });

  test('has the Node that package.json asks for', () => {
    const { optionalDependencies } = JSON.parse(read('package.json')) as {
      optionalDependencies: Record<string, string>;
    };
    const versions = [...dockerfile.matchAll(/^FROM node:(\S+)-slim/gm)].map(([, version]) => version);
    expect(new Set(versions)).toEqual(new Set(Object.values(optionalDependencies)));
  });
});
