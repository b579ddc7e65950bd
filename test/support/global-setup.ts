import type { TestProject } from 'vitest/node';
import { startServers } from '../../deploy/local/servers.ts';
import './servers.ts';

/** Starts one Kafka broker and one schema registry for the integration project, and ends them after its last test. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await startServers({ onLog: (line) => process.stdout.write(`[servers] ${line}\n`) });
  project.provide('sharedServers', { bootstrap: servers.bootstrap, registryUrl: servers.registryUrl });
  return () => servers.close();
}
