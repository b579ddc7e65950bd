import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startRegistry } from '../../deploy/local/registry.ts';
import { Cluster } from '../cluster.ts';
import { Child } from '../measure/child.ts';
import { type Placement, pinned, pinRunning } from '../measure/placement.ts';
import { launchBareTls, launchGateway, registerFleet, type Server } from '../servers/launch.ts';
import { type CertificateFiles, writeCertificates } from './certificates.ts';
import type { TlsReply, TlsRequest } from './protocol.ts';

/** The two servers that are compared, both running, and what they need. */
export interface TlsBed extends AsyncDisposable {
  readonly bare: Server;
  readonly gateway: Server;
  readonly files: CertificateFiles;
}

/**
 * The limits count as they always do, and let everything through: at the default rate the gateway would shake hands one by
 * one with pauses, the bare server sixteen at a time, and what a turn of the event loop costs would fall on one or on many.
 */
const asFast = { perSecond: 1_000_000, burst: 1_000_000, perSecondPerAddress: 1_000_000, burstPerAddress: 1_000_000 };

/** Starts Kafka, a schema registry, the gateway with a listener for mutual TLS, and the bare server. */
export async function openTlsBed(
  devices: number,
  placement: Placement,
  profileDir: string | undefined,
  onLog: (line: string) => void,
): Promise<TlsBed> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'edge-bench-tls-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  onLog(`making ${devices} certificates and registering their devices`);
  const files = await writeCertificates(join(folder, 'certificates'), devices);
  await registerFleet(folder, devices);
  const cluster = opened.use(await Cluster.start(placement, onLog));
  const registry = await startRegistry({ onLog });
  opened.defer(() => registry.close());
  pinRunning(registry.pid, placement.brokerCores);
  const launch = { placement, profileDir, inspect: true };
  const bare = opened.use(await launchBareTls(files, launch));
  const { certFile, keyFile, caFile: clientCaFile } = files;
  const tls = { certFile, keyFile, clientCaFile, clientCertificates: 'required', certificateSuffices: true };
  const listeners = [{ name: 'devices', host: '127.0.0.1', port: 0, tls }];
  const { bootstrap } = cluster;
  const more = { listeners, limits: { handshakes: asFast } };
  const gateway = opened.use(await launchGateway({ bootstrap, registryUrl: registry.url, folder, more }, launch));
  const stack = opened.move();
  return { bare, gateway, files, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** The devices of the measurement, in a process of their own, on the load's core. */
export class TlsLoad implements AsyncDisposable {
  readonly #child: Child;

  constructor({ clientsFile }: CertificateFiles, { cores }: Placement) {
    const entry = fileURLToPath(new URL('load.ts', import.meta.url));
    const command = [process.execPath, entry, clientsFile];
    this.#child = new Child('the TLS load', pinned(cores === undefined ? [] : [cores.load], command), 'ipc');
  }

  async ask(request: TlsRequest): Promise<Exclude<TlsReply, { kind: 'failed' }>> {
    const reply = await this.#child.ask<TlsReply>(request);
    if (reply.kind === 'failed') throw new Error(`the load failed: ${reply.message}`);
    return reply;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child.stop();
  }
}
