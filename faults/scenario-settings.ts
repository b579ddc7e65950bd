import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type GatewaySettings, gatewaySettings } from '../test/support/gateway-settings.ts';
import type { SmallDisk } from './injectors/small-disk.ts';
import type { Form, Scenario, Sections } from './scenario.ts';
import type { Stage } from './stage.ts';

const partitions = 6;

/** In the short form the gateway notices sooner what a minute of fault would show anyway; else its defaults count. */
const shortSections: Sections = {
  kafka: { requestTimeoutMs: 3000, metadataMaxAgeMs: 5000, unreachableAfterMs: 2000 },
  readiness: { unsettledAfterMs: 3000 },
};

/** Settings of a scenario's gateways, with topics of their own: defaults, then the form's, the scenario's, the mutant's. */
export function settingsOf(
  scenario: Scenario,
  stage: Stage,
  form: Form,
  port: number,
  more: Sections = {},
): GatewaySettings {
  const { kafka, registry, databasePath } = stage;
  const layers: Sections[] = [form.short ? shortSections : {}, scenario.settings ?? {}, more];
  const sections = mergeSections(layers);
  // Absolute, because a relative one would be gone with the folder of each start.
  const directory = join(spoolDisk(scenario, stage)?.pathInside ?? stage.folder, `spool-${randomUUID()}`);
  if (sections.spool) sections.spool = { directory, ...sections.spool };
  return gatewaySettings({
    bootstrap: scenario.network === 'proxied' ? kafka.proxiedBootstrap : kafka.bootstrap,
    registryUrl: registry.url,
    databasePath,
    partitions,
    sections: {
      listeners: [{ name: 'devices', host: '127.0.0.1', port, auth: 'registry' }],
      log: { level: 'info' },
      ...sections,
    },
  });
}

/** The small disk that a scenario wants for the spool; its gateways run where it is mounted. */
export const spoolDisk = (scenario: Scenario, stage: Stage): SmallDisk | undefined =>
  scenario.needs?.includes('gateway-disk') === true ? stage.gatewayDisk : undefined;

/** Section by section, setting by setting; later ones win. */
export function mergeSections(layers: readonly Sections[]): Record<string, object> {
  const merged: Record<string, object> = {};
  for (const layer of layers) {
    for (const [name, section] of Object.entries(layer)) merged[name] = { ...merged[name], ...section };
  }
  return merged;
}
