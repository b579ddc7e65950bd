import { type Allowed, type Change, isRefused } from './plan.ts';
import { settingOf } from './settings.ts';
import type { WantedTopic } from './wanted.ts';

/** The figures of a plan, for its summary and for machines. */
export interface PlanFigures {
  /** Topics in the file. */
  readonly topics: number;
  /** Topics to be created. */
  readonly create: number;
  /** Changes of topics that are there. */
  readonly change: number;
  /** Of both, how many are refused. */
  readonly refused: number;
}

export function figuresOf(wanted: readonly WantedTopic[], changes: readonly Change[], allowed: Allowed): PlanFigures {
  const create = changes.filter(({ kind }) => kind === 'create').length;
  const refused = changes.filter((change) => isRefused(change, allowed)).length;
  return { topics: wanted.length, create, change: changes.length - create, refused };
}

/** The plan as lines: `+` creates, `~` changes, `!` is refused, each with its reason. */
export function renderPlan(changes: readonly Change[], allowed: Allowed): string[] {
  const topics = new Map<string, Change[]>();
  for (const change of changes) topics.set(change.topic, [...(topics.get(change.topic) ?? []), change]);
  return [...topics].flatMap(([topic, ofTopic]) => [
    `${sign(ofTopic, allowed)} ${topic}`,
    ...ofTopic.flatMap((change) => renderChange(change, allowed)),
    '',
  ]);
}

/** `+ create veh.events.raw`, `~ alerts: retention.ms 7 d → 30 d`: for the progress of an apply. */
export function describeChanges(changes: readonly Change[]): string {
  const [first] = changes;
  if (first === undefined) return '';
  if (first.kind === 'create') return `+ create ${first.topic}`;
  return `~ ${first.topic}: ${changes.map(difference).join(', ')}`;
}

export function renderSummary({ topics, create, change, refused }: PlanFigures): string {
  if (create + change === 0) return `${topics} topics, no difference`;
  return `${topics} topics: ${create} to create, ${change} to change, ${refused} of these refused`;
}

function sign(changes: readonly Change[], allowed: Allowed): string {
  if (changes.some((change) => isRefused(change, allowed))) return '!';
  return changes.some(({ kind }) => kind === 'create') ? '+' : '~';
}

function renderChange(change: Change, allowed: Allowed): string[] {
  const lines = change.kind === 'create' ? creation(change.wanted) : [difference(change)];
  const refused = isRefused(change, allowed);
  const own = change.kind === 'create' ? '+' : '~';
  const shown = lines.map((line) => `  ${refused ? '!' : own} ${line}`);
  if (change.risk === 'none') return shown;
  const verdict = { destructive: 'destructive', moves_keys: 'moves keys', impossible: 'refused' }[change.risk];
  const consent = { destructive: '--allow-destructive', moves_keys: '--allow-more-partitions', impossible: '' }[
    change.risk
  ];
  const wants = refused && consent !== '' ? ` (wants ${consent})` : '';
  return [...shown, `      ${verdict}${wants}: ${change.why}`];
}

function creation({ partitions, replication, settings, owner, purpose }: WantedTopic): string[] {
  const rows = [
    ['partitions', String(partitions)],
    ['replication', String(replication)],
    ...[...settings].map(([name, value]) => [name, show(name, value)]),
    ['owner', owner],
    ['purpose', purpose],
  ];
  return rows.map(([name = '', value = '']) => `${name.padEnd(nameWidth)} ${value}`);
}

const nameWidth = 'message.timestamp.before.max.ms'.length;
const show = (kafkaName: string, value: string): string => settingOf(kafkaName)?.show(value) ?? value;

function difference(change: Change): string {
  switch (change.kind) {
    case 'create':
      return 'create';
    case 'partitions':
    case 'replication':
      return `${change.kind} ${change.from} → ${change.to}`;
    case 'setting': {
      const from = change.from === undefined ? 'unknown' : show(change.kafkaName, change.from);
      const to = show(change.kafkaName, change.to);
      return change.pinned
        ? `${change.kafkaName} ${from} from the brokers → ${to} of its own`
        : `${change.kafkaName} ${from} → ${to}`;
    }
  }
}
