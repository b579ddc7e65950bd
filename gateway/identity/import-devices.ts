import { availableParallelism } from 'node:os';
import { type DeviceKind, deviceKinds } from '../core/identity.ts';
import { isUsableId, usableIdRule } from './device.ts';
import type { DeviceRegistry } from './registry.ts';
import type { StagedImport } from './registry-import.ts';
import { defaultCost, generateSecret, hashSecret, type ScryptCost } from './secret-hash.ts';

/** One device to import. Texts are taken as found in a file: they are checked here. */
export interface ImportRow {
  readonly deviceId: string;
  readonly kind: string;
  readonly boundTo: string;
  /** Undefined or empty: one is generated and handed to `onGenerated`. */
  readonly secret?: string | undefined;
  readonly enabled?: boolean;
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
const pageSize = 256;

/**
 * Adds many devices, all or none. Rows are read as a stream and checked before the first hash is computed; the
 * registry is locked only for the final insert.
 *
 * @throws {DeviceRegistryError} when the registry fails; whatever `rows` throws.
 */
export async function importDevices(
  registry: DeviceRegistry,
  rows: Iterable<ImportRow> | AsyncIterable<ImportRow>,
  { cost = defaultCost, onGenerated, onProgress, beforeCommit }: ImportOptions = {},
): Promise<ImportResult> {
  using staged = registry.stageImport();
  const { count, problems } = await stageRows(staged, rows);
  if (problems.length > 0) {
    return { problems: problems.slice(0, mostProblems), further: Math.max(0, problems.length - mostProblems) };
  }
  await hashAll(staged, cost, onGenerated, (hashed) => onProgress?.(hashed, count));
  await beforeCommit?.();
  const added = staged.commit(Date.now());
  if (typeof added === 'number') return { added };
  return {
    problems: added.map((id) => ({ line: 0, problem: `device ${id} has been registered meanwhile` })),
    further: 0,
  };
}

async function stageRows(staged: StagedImport, rows: Iterable<ImportRow> | AsyncIterable<ImportRow>) {
  const problems: ImportProblem[] = [];
  let count = 0;
  for await (const row of rows) {
    count += 1;
    const problem = rowProblem(row) ?? stageRow(staged, row);
    if (problem !== undefined) problems.push({ line: row.line ?? count, problem });
  }
  return { count, problems };
}

function rowProblem({ deviceId, kind, boundTo, secret, problem }: ImportRow): string | undefined {
  if (problem !== undefined) return problem;
  if (!isUsableId(deviceId)) return `device_id ${JSON.stringify(deviceId.slice(0, 140))} is not ${usableIdRule}`;
  if (!isUsableId(boundTo)) return `bound_to ${JSON.stringify(boundTo.slice(0, 140))} is not ${usableIdRule}`;
  if (!isKind(kind)) return `kind ${JSON.stringify(kind.slice(0, 140))} is none of ${deviceKinds.join(', ')}`;
  return secret !== undefined && secret.length > longestSecret ? `secret is longer than ${longestSecret}` : undefined;
}

const isKind = (kind: string): kind is DeviceKind => (deviceKinds as readonly string[]).includes(kind);

function stageRow(staged: StagedImport, { deviceId, kind, boundTo, secret, enabled = true }: ImportRow) {
  const result = staged.stage({ deviceId, kind: kind as DeviceKind, boundTo, secret: secret || undefined, enabled });
  if (result === 'registered') return `device ${deviceId} is registered already`;
  return result === 'repeated' ? `device ${deviceId} stands in this import before` : undefined;
}

/** Several hashes at once, on libuv's threads. */
async function hashAll(
  staged: StagedImport,
  cost: ScryptCost,
  onGenerated: ImportOptions['onGenerated'],
  onHashed: (hashed: number) => void,
): Promise<void> {
  let hashed = 0;
  let lastRow = 0;
  for (;;) {
    const page = staged.unhashed(lastRow, pageSize);
    const last = page.at(-1);
    if (last === undefined) return;
    lastRow = last.row;
    await inParallel(page, availableParallelism(), async ({ row, deviceId, secret }) => {
      const used = secret ?? generateSecret();
      staged.setHash(row, await hashSecret(used, cost));
      if (secret === undefined) onGenerated?.(deviceId, used);
      hashed += 1;
      onHashed(hashed);
    });
  }
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
