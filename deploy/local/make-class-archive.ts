import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { classArchivePath, SILENT } from './class-archive.ts';
import { withFileLock } from './file-lock.ts';
import { newClusterId, prepareNode } from './kafka-directory.ts';
import { visibleBrokers } from './kafka-ready.ts';
import { brokerFlags, type KafkaNode } from './kafka-settings.ts';
import { freePorts } from './ports.ts';
import type { OnLog } from './progress.ts';
import { spawnServer, untilReady } from './server-process.ts';

const DEADLINE_MS = 120_000;

/**
 * Makes the class-data archive of these jars, once: a broker runs until it is ready, and its Java machine writes down
 * what it has loaded. Without one everything works, only slower, so that no failure here is more than a line of the log.
 *
 * @throws the reason of `signal`, and nothing else
 */
export async function makeClassArchive(
  java: string,
  classPath: string,
  onLog: OnLog = () => undefined,
  signal?: AbortSignal,
): Promise<void> {
  try {
    const archive = await classArchivePath(java, classPath);
    if (existsSync(archive)) {
      return;
    }
    // Jars that belong to somebody else: found out at once, not when the wait for the lock is over.
    await access(dirname(archive), constants.W_OK);
    await withFileLock(`${archive}.lock`, { deadlineMs: DEADLINE_MS, onLog, signal }, async () => {
      if (!existsSync(archive)) {
        onLog('preparing Kafka for quick starts, once');
        await record(java, classPath, archive, signal);
      }
    });
  } catch (error) {
    signal?.throwIfAborted();
    onLog(`Kafka will start slowly: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function record(java: string, classPath: string, archive: string, signal: AbortSignal | undefined) {
  const dir = await mkdtemp(join(tmpdir(), 'edge-kafka-'));
  const unfinished = `${archive}.unfinished-${process.pid}`;
  try {
    await runBriefly(java, classPath, dir, unfinished, signal);
    await verifyClassArchive(java, classPath, unfinished);
    await rename(unfinished, archive);
  } finally {
    await Promise.all([dir, unfinished].map((path) => rm(path, { recursive: true, force: true })));
  }
}

/** An archive that does not fit is passed over; one that was cut off, by a full disk or a kill, ends the Java machine. */
export async function verifyClassArchive(java: string, classPath: string, archive: string): Promise<void> {
  // A machine that breaks on it says so in a file of its own, which nobody would ever read or remove.
  const quiet = [...SILENT, '-XX:ErrorFile=/dev/null'];
  const flags = ['-Xshare:on', '-XX:+VerifySharedSpaces', `-XX:SharedArchiveFile=${archive}`, ...quiet];
  await promisify(execFile)(java, [...flags, '-cp', classPath, '-version'], { timeout: DEADLINE_MS });
}

async function runBriefly(
  java: string,
  classPath: string,
  dir: string,
  archive: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  const node: KafkaNode = { nodeId: 1, port, controllerPort, proxied: undefined, dir, dataDirs: [join(dir, 'data')] };
  await prepareNode(node, [node], newClusterId());
  const name = 'a Kafka broker that is run once to prepare others';
  const consoleLog = join(dir, 'broker.log');
  const settingsFile = join(dir, 'server.properties');
  const flags = [`-XX:ArchiveClassesAtExit=${archive}`, ...SILENT, ...brokerFlags(1)];
  const server = await spawnServer({
    name,
    command: java,
    args: [...flags, '-cp', classPath, 'kafka.Kafka', settingsFile],
    workDir: dir,
    consoleLog,
    temporaryDir: dir,
  });
  try {
    const serves = async (): Promise<boolean> => (await visibleBrokers(`127.0.0.1:${port}`)).length === 1;
    await untilReady(server, serves, { name, consoleLog, deadlineMs: DEADLINE_MS, signal });
    await server.stop(DEADLINE_MS);
  } finally {
    await server.kill();
  }
}
