import type { TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { suggest } from '../gateway/config/suggest.ts';
import { type Path, type Position, parseWithPositions } from './positions.ts';
import {
  fileSchema,
  neededSettings,
  ruleOf,
  type Settings,
  settingsSchema,
  type TopicsFile,
  topicNamePattern,
  topicSchema,
} from './schema.ts';
import { topicSettings } from './settings.ts';
import { parseSize } from './units.ts';
import type { WantedTopic } from './wanted.ts';

/** One mistake in the file. */
export interface Problem extends Position {
  /** `topics.alerts.retention`; empty where the text is no YAML. */
  readonly path: string;
  readonly message: string;
}

export type TopicsResult =
  | { readonly ok: true; readonly topics: readonly WantedTopic[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `max.message.bytes` has 32 bits. */
const largestMessage = 2n ** 31n - 1n;

interface Finding {
  readonly path: Path;
  readonly part: 'key' | 'value';
  readonly message: string;
}

/** Reads the text of a file of topics; everything that is wrong with it is told at once, in the order of its lines. */
export function readTopics(text: string): TopicsResult {
  const yaml = parseWithPositions(text);
  if (yaml.problems.length > 0) {
    return { ok: false, problems: yaml.problems.map(({ at, message }) => ({ ...at, path: '', message })) };
  }
  const shape = checkShape(yaml.value);
  const findings = shape.length > 0 ? shape : checkRelations(yaml.value as TopicsFile);
  if (findings.length === 0) return { ok: true, topics: resolveTopics(yaml.value as TopicsFile) };
  const problems = findings.map(({ path, part, message }) => ({
    ...yaml.positionOf(path, part),
    path: path.join('.'),
    message,
  }));
  return { ok: false, problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** `schemas/topics.yaml:31:5: topics.alerts.retention: …`, which editors and terminals can jump to. */
export const describeProblem = (file: string, { line, column, path, message }: Problem): string =>
  `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}`;

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type MappingSchema = TSchema & {
  readonly properties: Record<string, TSchema>;
  readonly required?: readonly string[] | undefined;
};

function checkShape(value: unknown): Finding[] {
  if (!isMapping(value)) return [{ path: [], part: 'value', message: 'must be a mapping with topics' }];
  const findings = checkKeys(fileSchema, value, []);
  if (value.defaults !== undefined) findings.push(...checkMapping(settingsSchema, value.defaults, ['defaults']));
  findings.push(...checkEach(settingsSchema, value.classes, 'classes'));
  findings.push(...checkEach(topicSchema, value.topics, 'topics'));
  return findings;
}

function checkEach(schema: MappingSchema, section: unknown, name: string): Finding[] {
  if (section === undefined) return [];
  if (!isMapping(section)) return [{ path: [name], part: 'value', message: `must be a mapping of ${name} by name` }];
  return Object.entries(section).flatMap(([key, value]) => checkMapping(schema, value, [name, key]));
}

function checkMapping(schema: MappingSchema, value: unknown, path: Path): Finding[] {
  if (!isMapping(value)) return [{ path, part: 'value', message: 'must be a mapping of settings' }];
  const wrong = Object.entries(value).flatMap(([key, entry]): Finding[] => {
    const allowed = Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (allowed === undefined || Check(allowed, entry)) return [];
    const message = `${JSON.stringify(entry)} is not allowed; allowed: ${ruleOf(allowed)}`;
    return [{ path: [...path, key], part: 'value', message }];
  });
  return [...checkKeys(schema, value, path), ...wrong];
}

function checkKeys(schema: MappingSchema, value: Record<string, unknown>, path: Path): Finding[] {
  const known = Object.keys(schema.properties);
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  const missing = (schema.required ?? []).filter((key) => !Object.hasOwn(value, key));
  return [
    ...unknown.map((key): Finding => {
      const near = suggest(key, known);
      const message = `unknown; ${near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?`}`;
      return { path: [...path, key], part: 'key', message };
    }),
    ...missing.map((key): Finding => ({ path, part: 'key', message: `${key} is missing` })),
  ];
}

/** What concerns several settings at once; the shape of the file is right. */
function checkRelations(file: TopicsFile): Finding[] {
  return [
    ...checkNames(Object.keys(file.topics)),
    ...Object.keys(file.topics).flatMap((name) => checkTopic(file, name)),
  ];
}

function checkNames(names: readonly string[]): Finding[] {
  const seen = new Map<string, string>();
  return names.flatMap((name): Finding[] => {
    const at = { path: ['topics', name], part: 'key' } as const;
    if (!topicNamePattern.test(name))
      return [{ ...at, message: 'not a topic name: 1 to 249 letters, digits, . _ or -' }];
    // Kafka refuses the second of such a pair, because the names of its metrics would be the same.
    const metricName = name.replaceAll('.', '_');
    const twin = seen.get(metricName);
    seen.set(metricName, name);
    return twin === undefined
      ? []
      : [{ ...at, message: `collides with ${twin}: Kafka takes . and _ for the same here` }];
  });
}

function checkTopic(file: TopicsFile, name: string): Finding[] {
  const className = file.topics[name]?.class;
  const classes = Object.keys(file.classes ?? {});
  if (className !== undefined && !classes.includes(className)) {
    const message = `there is no class ${className}; known: ${classes.join(', ') || 'none'}`;
    return [{ path: ['topics', name, 'class'], part: 'value', message }];
  }
  return contradictions(settingsOf(file, name)).map((message) => ({ path: ['topics', name], part: 'key', message }));
}

function contradictions(settings: Settings): string[] {
  const found: string[] = [];
  const lacking = Object.keys(neededSettings).filter((key) => !Object.hasOwn(settings, key));
  if (lacking.length > 0) found.push(`${lacking.join(', ')} missing: here, in its class and in defaults`);
  const { maxMessage, minInSyncReplicas = 0, replication = Number.POSITIVE_INFINITY } = settings;
  if (maxMessage !== undefined && parseSize(maxMessage) > largestMessage) {
    found.push(`maxMessage (${maxMessage}) is more than Kafka can be told: ${largestMessage} B`);
  }
  if (minInSyncReplicas > replication) {
    found.push(
      `minInSyncReplicas (${minInSyncReplicas}) is more than replication (${replication}): no record could ever be acknowledged`,
    );
  }
  return found;
}

/** What holds for a topic: defaults, overridden by its class, overridden by its own. */
function settingsOf(file: TopicsFile, name: string): Settings {
  const {
    class: className,
    owner: _owner,
    purpose: _purpose,
    ...own
  } = file.topics[name] as TopicsFile['topics'][string];
  return { ...file.defaults, ...(className === undefined ? {} : file.classes?.[className]), ...own };
}

function resolveTopics(file: TopicsFile): WantedTopic[] {
  return Object.entries(file.topics).map(([name, { owner, purpose }]) => {
    const all = settingsOf(file, name) as Settings & { partitions: number; replication: number };
    const values = all as Readonly<Record<string, string | number | boolean>>;
    const settings = topicSettings.flatMap(({ field, kafkaName, toKafka }): [string, string][] => {
      const value = values[field];
      return value === undefined ? [] : [[kafkaName, toKafka(value)]];
    });
    const { partitions, replication } = all;
    return { name, partitions, replication, settings: new Map(settings), owner, purpose };
  });
}
