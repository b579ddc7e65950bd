import { availableParallelism } from 'node:os';
import { type DeviceKind, deviceKinds } from '../core/identity.ts';
import { printable } from '../core/printable.ts';
import {
  fingerprintRule,
  isUsableId,
  type NewDevice,
  parseFingerprint,
  parseGroups,
  usableGroupsRule,
  usableIdRule,
} from './device.ts';
import type { DeviceStore } from './device-store.ts';
import { defaultCost, generateSecret, hashSecret, type ScryptCost } from './secret-hash.ts';

/** One device to import. Texts are taken as found in a file: they are checked here. */
export interface ImportRow {
  readonly deviceId: string;
  readonly kind: string;
  readonly boundTo: string;
  /** Undefined or empty: one is generated and handed to `onGenerated`. */
  readonly secret?: string | undefined;
  readonly enabled?: boolean;
  readonly groups?: readonly string[];
  /** Undefined or empty: any certificate of the device's own. */
  readonly certificateFingerprint?: string | undefined;
  /** Where it stands in the file, for problems; counted from 1 when left out. */
  readonly line?: number;
  /** What its reader found wrong with it already; it is told with the problems that are found here. */
  readonly problem?: string | undefined;
}

export interface ImportProblem {
  readonly line: number;
  readonly problem: string;
}

export interface ImportOptions {
  readonly cost?: ScryptCost;
  /** Secrets hashed at once; default: one for each core. In a gateway one, as hashes share threads with what it writes. */
  readonly workers?: number;
  /** Called with each secret that was made; it is shown to nobody afterwards. */
  readonly onGenerated?: (deviceId: string, secret: string) => void;
  /** Called as secrets are hashed, the slow part. */
  readonly onProgress?: (hashed: number, total: number) => void;
  /** Awaited before the devices become visible: a place to make generated secrets durable. */
  readonly beforeCommit?: () => Promise<void>;
}

export type ImportResult =
  | { readonly added: number }
  /** Nothing was added. At most `mostProblems`; `further` more were not listed. */
  | { readonly problems: readonly ImportProblem[]; readonly further: number };

const mostProblems = 20;
const longestSecret = 1024;
const pageSize = 500;

/** A device of an import, before its secret is hashed. */
interface Staged extends Omit<NewDevice, 'secretHash' | 'createdAtMs'> {
  /** Undefined: one is generated. */
  readonly secret: string | undefined;
}

/**
 * Adds many devices, all or none. Rows are read as a stream and checked before the first hash is computed; the registry
 * is asked for them now and then, holds none of them meanwhile, and is locked only for the final insert.
 *
 * @throws {DeviceRegistryError} when the registry fails; whatever `rows` throws.
 */
export async function importDevices(
  registry: DeviceStore,
  rows: Iterable<ImportRow> | AsyncIterable<ImportRow>,
  { cost = defaultCost, workers = availableParallelism(), onGenerated, onProgress, beforeCommit }: ImportOptions = {},
): Promise<ImportResult> {
  const { staged, problems } = await stageRows(registry, rows);
  if (problems.length > 0) {
    return { problems: problems.slice(0, mostProblems), further: Math.max(0, problems.length - mostProblems) };
  }
  const devices = await hashAll(staged, cost, onGenerated, (hashed) => onProgress?.(hashed, staged.length), workers);
  await beforeCommit?.();
  const taken = await registry.addAll(devices);
  if (taken.length === 0) return { added: devices.length };
  return {
    problems: taken.map((id) => ({ line: 0, problem: `device ${id} has been registered meanwhile` })),
    further: 0,
  };
}

async function stageRows(registry: DeviceStore, rows: Iterable<ImportRow> | AsyncIterable<ImportRow>) {
  const staged = new Map<string, Staged>();
  const problems: ImportProblem[] = [];
  let page: (ImportRow & { readonly line: number })[] = [];
  let count = 0;
  const stagePage = async (): Promise<void> => {
    const registered = await registry.findAll(page.map(({ deviceId }) => deviceId).filter(isUsableId));
    for (const row of page) {
      const result = stageRow(row, registered, staged);
      if (typeof result === 'string') problems.push({ line: row.line, problem: result });
      else staged.set(row.deviceId, result);
    }
    page = [];
  };
  for await (const row of rows) {
    count += 1;
    page.push({ ...row, line: row.line ?? count });
    if (page.length === pageSize) await stagePage();
  }
  await stagePage();
  return { staged: [...staged.values()], problems };
}

/** @returns the device, or what is wrong with the row. */
function stageRow(row: ImportRow, registered: ReadonlyMap<string, unknown>, staged: ReadonlyMap<string, unknown>) {
  const { deviceId, kind, boundTo, secret, enabled = true, groups: names = [], certificateFingerprint = '' } = row;
  const groups = parseGroups(names);
  const fingerprint = parseFingerprint(certificateFingerprint);
  if (row.problem !== undefined) return row.problem;
  if (!isUsableId(deviceId)) return `device_id ${quote(deviceId)} is not ${usableIdRule}`;
  if (!isUsableId(boundTo)) return `bound_to ${quote(boundTo)} is not ${usableIdRule}`;
  if (!isKind(kind)) return `kind ${quote(kind)} is none of ${deviceKinds.join(', ')}`;
  if (secret !== undefined && secret.length > longestSecret) return `secret is longer than ${longestSecret}`;
  if (groups === undefined) return `groups ${quote(names.join(' '))} are not ${usableGroupsRule}`;
  if (certificateFingerprint !== '' && fingerprint === undefined) {
    return `certificate_fingerprint ${quote(certificateFingerprint)} is not ${fingerprintRule}`;
  }
  if (registered.has(deviceId)) return `device ${deviceId} is registered already`;
  if (staged.has(deviceId)) return `device ${deviceId} stands in this import before`;
  const common = { deviceId, kind, boundTo, enabled, groups, rotatedAtMs: undefined };
  return { ...common, certificateFingerprint: fingerprint, secret: secret || undefined } satisfies Staged;
}

/** Of a stranger's file, for somebody's terminal. */
const quote = (text: string): string => printable(JSON.stringify(text.slice(0, 140)));

const isKind = (kind: string): kind is DeviceKind => (deviceKinds as readonly string[]).includes(kind);

/** Several hashes at once, on libuv's threads. */
async function hashAll(
  staged: readonly Staged[],
  cost: ScryptCost,
  onGenerated: ImportOptions['onGenerated'],
  onHashed: (hashed: number) => void,
  workers: number,
): Promise<NewDevice[]> {
  const createdAtMs = Date.now();
  const devices: NewDevice[] = [];
  await inParallel(staged, workers, async ({ secret, ...device }) => {
    const used = secret ?? generateSecret();
    const secretHash = await hashSecret(used, cost);
    devices.push({ ...device, secretHash, createdAtMs });
    if (secret === undefined) onGenerated?.(device.deviceId, used);
    onHashed(devices.length);
  });
  return devices;
}

async function inParallel<Item>(items: readonly Item[], workers: number, work: (item: Item) => Promise<void>) {
  const queue = items.values();
  // All workers take from one iterator, so each item is worked on once.
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
