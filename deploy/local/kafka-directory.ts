import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type KafkaNode, type ServerSettings, serverProperties } from './kafka-settings.ts';
import { makeDirectory } from './make-directory.ts';
import { LocalServerError } from './progress.ts';
import { kafkaTool } from './tools.ts';

/** The directory of a local cluster. */
export interface KafkaDirectory {
  readonly path: string;
  readonly clusterId: string;
  /** Made for one run: nothing in it is worth keeping. */
  readonly temporary: boolean;
}

/**
 * Opens the directory of a cluster of `brokers`, or a new temporary one.
 *
 * @throws {LocalServerError} `wrong_directory` when it belongs to a cluster of another size, holds something else, or can't be used
 */
export async function openKafkaDirectory(dir: string | undefined, brokers: number): Promise<KafkaDirectory> {
  const temporary = dir === undefined;
  const path = dir === undefined ? await mkdtemp(join(tmpdir(), 'edge-kafka-')) : resolve(dir);
  await makeDirectory(path);
  const file = join(path, 'cluster.json');
  if (!existsSync(file)) {
    const clusterId = newClusterId();
    await writeFile(file, `${JSON.stringify({ clusterId, brokers })}\n`);
    return { path, clusterId, temporary };
  }
  const cluster = parseCluster(await readFile(file, 'utf8'));
  if (cluster === undefined) {
    throw new LocalServerError('wrong_directory', `${file} is not a local cluster's: choose another directory`);
  }
  if (cluster.brokers !== brokers) {
    throw new LocalServerError(
      'wrong_directory',
      `${path} holds a cluster of ${cluster.brokers}, not ${brokers}: start it with --brokers ${cluster.brokers}, or choose another directory`,
    );
  }
  return { path, clusterId: cluster.clusterId, temporary };
}

/** A user of a new cluster; later ones are made by its tools. */
export interface ScramUser {
  readonly name: string;
  readonly password: string;
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
}

/** Writes a node's settings, and formats its data directories, with these users, unless they already are. */
export async function prepareNode(
  node: KafkaNode,
  nodes: readonly KafkaNode[],
  clusterId: string,
  extra: ServerSettings = {},
  users: readonly ScramUser[] = [],
): Promise<void> {
  await Promise.all([node.dir, ...node.dataDirs].map((dir) => mkdir(dir, { recursive: true })));
  const settingsFile = join(node.dir, 'server.properties');
  await writeFile(settingsFile, serverProperties(node, nodes, extra));
  if (!node.dataDirs.every((dir) => existsSync(join(dir, 'meta.properties')))) {
    await kafkaTool('kafka.tools.StorageTool', [
      'format',
      '--cluster-id',
      clusterId,
      '--config',
      settingsFile,
      '--ignore-formatted',
      ...users.flatMap((user) => ['--add-scram', `${user.mechanism}=[name=${user.name},password=${user.password}]`]),
    ]);
  }
}

/** 16 random bytes as Kafka writes them; one that begins with a dash would be taken for an option. */
export function newClusterId(): string {
  for (;;) {
    const id = randomBytes(16).toString('base64url');
    if (!id.startsWith('-')) {
      return id;
    }
  }
}

function parseCluster(text: string): { clusterId: string; brokers: number } | undefined {
  try {
    const { clusterId, brokers } = JSON.parse(text) as { clusterId?: unknown; brokers?: unknown };
    return typeof clusterId === 'string' && typeof brokers === 'number' ? { clusterId, brokers } : undefined;
  } catch {
    return undefined;
  }
}
