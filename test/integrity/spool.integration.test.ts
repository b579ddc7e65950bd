import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LocalKafka, startKafka } from '../../deploy/local/kafka.ts';
import { FaultFleet } from '../../faults/fleet/fleet-process.ts';
import { judge, type Verdict } from '../../faults/judge/judge.ts';
import { freePort } from '../support/free-port.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { type GatewaySettings, gatewaySettings } from '../support/gateway-settings.ts';
import { sharedServers } from '../support/servers.ts';
import { waitFor } from '../support/wait-for.ts';

const nothingWrong = { lost: 0, lostLetters: 0, phantom: 0, outOfOrder: 0, split: 0, unanswered: 0 };

describe('with a spool', () => {
  const { registryUrl } = sharedServers();
  let kafka: LocalKafka;
  let folder: string;
  let port: number;
  let directory: string;
  let ledgerFile: string;
  let gateway: GatewayProcess | undefined;
  let fleet: FaultFleet | undefined;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spool-outage-'));
    kafka = await startKafka({ brokers: 1 });
  });
  afterAll(async () => {
    await kafka?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    port = await freePort();
    directory = await mkdtemp(join(folder, 'spool-'));
    ledgerFile = `${directory}.ledger`;
    await kafka.brokers[0]?.start();
  });
  afterEach(async () => {
    await fleet?.kill();
    await gateway?.[Symbol.asyncDispose]();
  });

  const settingsWith = (spool: object) =>
    gatewaySettings({
      bootstrap: kafka.bootstrap,
      registryUrl,
      auth: 'anonymous',
      sections: {
        listeners: [{ name: 'devices', host: '127.0.0.1', port, auth: 'anonymous' }],
        spool: { mode: 'outage', directory, afterMs: 1500, segmentBytes: 262_144, ...spool },
      },
    });

  async function startFleet(ratePerSecond = 400): Promise<FaultFleet> {
    fleet = await FaultFleet.start({
      ...{ vehicles: 40, ratePerSecond, addresses: [{ host: '127.0.0.1', port }], ledgerFile },
      ...{ seed: 7, rejectShare: 0.02, version: 'mixed', window: 8, qos2Share: 0.1 },
    });
    return fleet;
  }

  /** Stops publishing, waits for every answer and an empty spool, and reads Kafka back. */
  async function verdict(made: GatewaySettings): Promise<Verdict> {
    expect(await fleet?.drain(90_000)).toBe(0);
    await reach('an empty spool', async () => (await metric('edge_spool_records')) === 0);
    await reach('the last answers of Kafka', async () => (await metric('edge_unsettled_records')) === 0);
    await expectAccount();
    const topics = { events: made.eventsTopic, deadLetters: made.deadLetterTopic };
    return judge({ bootstrap: kafka.bootstrap, registryUrl, ledgerFile, topics });
  }

  const metric = async (name: string, labels = {}) => (await gateway?.metric(name, labels)) ?? Number.NaN;
  const readiness = async () =>
    (await (await fetch(`${gateway?.adminUrl}/readyz`)).json()) as { reasons: readonly string[] };
  const reach = (what: string, holds: () => Promise<boolean>) => waitFor(holds, { deadlineMs: 90_000, what });
  const acknowledged = async (atLeast: number) => {
    const answered = async () =>
      (await metric('edge_publishes_delivered_total')) + (await metric('edge_publishes_spooled_total'));
    const before = await answered();
    await reach(`${atLeast} acknowledgements`, async () => (await answered()) >= before + atLeast);
  };
  const state = async (wanted: 'direct' | 'spooling' | 'replaying') => {
    const states = ['direct', 'spooling', 'replaying'];
    await reach(`the state ${wanted}`, async () => states[await metric('edge_spool_state')] === wanted);
  };
  /** What went in has come out. */
  const expectAccount = async () => {
    const went = (await metric('edge_spool_recovered_records')) + (await metric('edge_spool_appended_records'));
    expect(await metric('edge_spool_records_settled_total')).toBe(went);
    expect(await metric('edge_spool_damaged_records')).toBe(0);
  };

  it('devices are acknowledged while Kafka is away, and everything is on Kafka afterwards, in order', {
    timeout: 300_000,
  }, async () => {
    const made = settingsWith({});
    gateway = await GatewayProcess.start(made.settings);
    await startFleet();
    await acknowledged(500);
    await kafka.brokers[0]?.stop();
    await state('spooling');
    await acknowledged(2000);
    await reach('readiness', async () => (await readiness()).reasons.length === 0);
    await kafka.brokers[0]?.start();
    await state('direct');
    await acknowledged(500);
    expect(await verdict(made)).toMatchObject({ ...nothingWrong, duplicated: 0 });
    await reach('no segment', async () => !(await readdir(directory)).some((name) => name.endsWith('.segment')));
  });

  it('kill -9 at any point of the cycle loses nothing, also when Kafka is not there at the start', {
    timeout: 600_000,
  }, async () => {
    const made = settingsWith({ afterMs: 500 });
    gateway = await GatewayProcess.start(made.settings);
    await startFleet();
    await acknowledged(500);
    const killSoon = async (withinMs: number) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * withinMs));
      gateway?.kill('SIGKILL');
      await gateway?.exited();
      gateway = await GatewayProcess.start(made.settings);
    };
    for (let round = 0; round < 2; round++) {
      await kafka.brokers[0]?.stop();
      await killSoon(2000);
      await killSoon(2000);
      await acknowledged(200);
      await kafka.brokers[0]?.start();
      await killSoon(3000);
      await killSoon(1000);
      await state('direct');
    }
    expect(await verdict(made)).toMatchObject(nothingWrong);
  });

  it('a full one withholds, says that it is not ready, and recovers by itself', { timeout: 300_000 }, async () => {
    const made = settingsWith({ segmentBytes: 65_536, maxBytes: 1_048_576 });
    gateway = await GatewayProcess.start(made.settings);
    await startFleet(4000);
    await acknowledged(500);
    await kafka.brokers[0]?.stop();
    await reach('a full spool', async () => (await metric('edge_spool_blocked', { reason: 'full' })) === 1);
    await reach('not ready', async () => (await readiness()).reasons.includes('spool_full'));
    expect(await metric('edge_spool_bytes')).toBeLessThanOrEqual(1_048_576);
    const spooled = await metric('edge_publishes_spooled_total');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await metric('edge_publishes_spooled_total')).toBe(spooled);
    await fleet?.stopPublishing();
    await kafka.brokers[0]?.start();
    await state('direct');
    expect(await verdict(made)).toMatchObject(nothingWrong);
  });

  it('a stop during an outage leaves everything in the spool; the next start delivers it', {
    timeout: 300_000,
  }, async () => {
    const made = settingsWith({ afterMs: 600_000 });
    gateway = await GatewayProcess.start(made.settings);
    await startFleet();
    await acknowledged(500);
    await kafka.brokers[0]?.stop();
    await reach('unsettled records', async () => (await metric('edge_unsettled_records')) > 50);
    gateway.kill('SIGTERM');
    expect(await gateway.exited()).toBe(0);
    expect(gateway.find('gateway_stopped')).toMatchObject({ unsettled: 0 });
    await kafka.brokers[0]?.start();
    gateway = await GatewayProcess.start(made.settings);
    expect(gateway.find('spool_opened')?.records).toBeGreaterThan(50);
    await acknowledged(500);
    expect(await verdict(made)).toMatchObject(nothingWrong);
  });

  it('in mode always every record goes through it', { timeout: 180_000 }, async () => {
    const made = settingsWith({ mode: 'always' });
    gateway = await GatewayProcess.start(made.settings);
    await startFleet();
    await acknowledged(2000);
    const judged = await verdict(made);
    expect(judged).toMatchObject({ ...nothingWrong, duplicated: 0 });
    expect(await metric('edge_spool_appended_records')).toBe(judged.sent);
  });
});
