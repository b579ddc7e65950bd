import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { residentBytes } from '../../bench/measure/processes.ts';
import { readLines, verifyChain } from '../../gateway/administration/audit/verify-chain.ts';
import { sharedServers } from '../support/servers.ts';
import { attacker, attackers, type BesiegedGateway, startBesiegedGateway } from './besieged-gateway.ts';
import { cases, wireCases } from './cases.ts';
import { spoiltPayload } from './generators/protobuf.ts';
import { HonestSession, honestSequences } from './honest-session.ts';
import { flawOfMqtt } from './judge/mqtt.ts';
import { publishPayloads } from './payload-stream.ts';
import { announceSeed, randomOf } from './seed.ts';
import { rightfulConnect, type Surface } from './surface.ts';
import { surfacesOf } from './surfaces.ts';
import { inParallel } from './talk.ts';

const payloadSurface = 7;
const mostFindings = 20;
const megabyte = 2 ** 20;
/**
 * Caches, compiled code and garbage that was not collected yet; four password hashes of 16 MiB, which administration has
 * computed at once; frames that are gathered, of 256 KiB each. Bounded, whatever is sent.
 */
const mostGrowthBytes = 384 * megabyte;
const sampleMs = 500;

describe(`a gateway under ${wireCases.toLocaleString('en')} spoilt inputs, while an honest device publishes`, () => {
  const servers = sharedServers();
  const findings: string[] = [];
  let besieged: BesiegedGateway;
  let session: HonestSession;
  let watching: Promise<void>;
  let stopWatching = false;
  let baselineBytes = 0;
  let mostBytes = 0;

  beforeAll(async () => {
    announceSeed('the wire');
    besieged = await startBesiegedGateway(servers);
    session = await HonestSession.begin(besieged);
    baselineBytes = residentBytes(besieged.gateway.child.pid as number);
    watching = watchMemory();
  });
  afterAll(async () => {
    stopWatching = true;
    await watching;
    await besieged?.[Symbol.asyncDispose]();
  });

  async function watchMemory(): Promise<void> {
    while (!stopWatching && besieged.gateway.child.exitCode === null) {
      mostBytes = Math.max(mostBytes, residentBytes(besieged.gateway.child.pid as number));
      await delay(sampleMs);
    }
  }

  async function attackSurface({ name, number, count, attack, flawOf }: Surface): Promise<void> {
    await inParallel(attackers, count, async (index, slot) => {
      if (findings.length >= mostFindings) return;
      try {
        const received = await attack(randomOf(number, index), slot, index);
        const flaw = flawOf(received, besieged.secrets);
        if (flaw !== undefined) findings.push(`${name} ${index}: ${flaw}: ${received.toString('hex').slice(0, 400)}`);
      } catch (error) {
        findings.push(`${name} ${index}: ${String(error)}`);
      }
    });
  }

  async function attackPayloads(): Promise<void> {
    const perSlot = Math.ceil(cases.wire.payloads / attackers);
    await inParallel(attackers, attackers, async (_index, slot) => {
      const { vehicleId } = attacker(slot);
      const version = slot % 2 === 0 ? 4 : 5;
      const { answered, received } = await publishPayloads({
        port: besieged.ports.devices,
        version,
        connect: rightfulConnect(version, slot, besieged),
        vehicleId,
        count: perSlot,
        payloadOf: (index) => spoiltPayload(vehicleId, index, randomOf(payloadSurface, slot * perSlot + index)),
      });
      if (answered !== perSlot) findings.push(`payloads of slot ${slot}: ${answered} of ${perSlot} were answered`);
      const flaw = flawOfMqtt(received, besieged.secrets);
      if (flaw !== undefined) findings.push(`payloads of slot ${slot}: ${flaw}`);
    });
  }

  it('answers all of them with whole packets, alerts and known texts, or not at all', async () => {
    for (const surface of await surfacesOf(besieged)) await attackSurface(surface);
    await attackPayloads();
    expect(findings).toEqual([]);
  }, 300_000);

  it('has looked into what was sent: nothing was turned away before', async () => {
    const { gateway } = besieged;
    const { wire } = cases;
    expect(await gateway.metric('edge_mqtt_violations_total')).toBeGreaterThan(wire.mqttPackets / 2);
    expect(await gateway.metric('edge_tls_handshake_failures_total')).toBeGreaterThan(wire.tlsHellos / 2);
    expect(await gateway.metric('edge_identity_tokens_rejected_total')).toBeGreaterThan(wire.tokens / 2);
    expect(await gateway.metric('edge_tls_handshake_failures_total', { reason: 'too_many' })).toBe(0);
    expect(await gateway.metric('edge_mqtt_sockets_refused_total')).toBe(0);
  });

  it('has looked into headers of load balancers, and into WebSockets behind their upgrade', async () => {
    const { gateway } = besieged;
    const { wire } = cases;
    const headersRefused = await gateway.metric('edge_proxy_headers_refused_total');
    expect(headersRefused).toBeGreaterThan(wire.proxyHeaders / 3);
    expect(await gateway.metric('edge_proxy_headers_total')).toBeGreaterThan(wire.proxyHeaders / 3);
    expect(await gateway.metric('edge_websocket_upgrades_refused_total')).toBeGreaterThan(wire.webSocketUpgrades / 2);
    const upgrades = await gateway.metric('edge_websocket_upgrades_total');
    expect(upgrades).toBeGreaterThan(wire.webSocketFrames * 0.9);
    for (const reason of ['too_many', 'timeout', 'not_allowed']) {
      expect(await gateway.metric('edge_proxy_headers_refused_total', { reason })).toBe(0);
      expect(await gateway.metric('edge_websocket_upgrades_refused_total', { reason })).toBe(0);
    }
  });

  it('has looked into requests of administration, refused what is wrong, and recorded what was tried', async () => {
    const { gateway, auditPath } = besieged;
    const { wire } = cases;
    const answers = (await gateway.metrics()).filter(({ name }) => name === 'edge_administration_requests_total');
    const answered = (status: RegExp): number =>
      answers.filter(({ labels }) => status.test(labels)).reduce((sum, { value }) => sum + value, 0);
    // What is no HTTP is answered, too, and not counted here.
    expect(answered(/"\d+"/)).toBeGreaterThan(wire.administration / 3);
    expect(answered(/"5\d\d"/)).toBe(0);
    for (const status of [200, 201, 400, 401, 403, 404, 422]) {
      expect(answered(new RegExp(`"${status}"`)), String(status)).toBeGreaterThan(0);
    }
    process.stdout.write(
      `[hostile] administration: ${answers.map(({ labels, value }) => `${labels} ${value}`).join(', ')}\n`,
    );
    expect(await gateway.metric('edge_audit_failures_total')).toBe(0);
    expect(await verifyChain(readLines(auditPath))).toMatchObject({ broken: undefined, tornLines: 0 });
    // Whoever looks at the file in a terminal, or with a program that knows other ends of lines, is not misled.
    expect(readFileSync(auditPath, 'utf8')).not.toMatch(/[^\P{Cc}\n]|[\u2028-\u202e\u2066-\u2069]/u);
  });

  it('is the same process, has found no defect in itself, and logs whole lines', async () => {
    const { gateway } = besieged;
    expect(gateway.child.exitCode).toBeNull();
    expect(gateway.child.signalCode).toBeNull();
    expect(await gateway.metric('edge_mqtt_internal_errors_total')).toBe(0);
    const defects = ['mqtt_internal_error', 'pipeline_stage_failed', 'administration_failed', 'audit_failed'];
    for (const event of [...defects, 'gateway_crashed', 'plain_text']) {
      expect(gateway.log.filter((line) => line.event === event)).toEqual([]);
    }
  });

  it('has lost nothing of the honest device, and not interrupted it', async () => {
    const published = await session.end();
    expect(session.interruptions).toBe(0);
    const sequences = await honestSequences(servers.bootstrap, besieged.eventsTopic);
    expect(sequences).toEqual(Array.from({ length: published }, (_, index) => index + 1));
    process.stdout.write(
      `[hostile] honest: ${published} published, all on Kafka, slowest PUBACK ${Math.round(session.slowestMs)} ms\n`,
    );
  });

  it('has not grown without bounds, and keeps nobody who is gone', async () => {
    stopWatching = true;
    await watching;
    const growth = mostBytes - baselineBytes;
    process.stdout.write(`[hostile] memory: ${(growth / megabyte).toFixed(1)} MB more at the most\n`);
    expect(growth).toBeLessThan(mostGrowthBytes);
    for (const gauge of ['edge_mqtt_connections', 'edge_proxy_headers_pending', 'edge_websocket_upgrades_pending']) {
      await expect.poll(() => besieged.gateway.metric(gauge), { timeout: 20_000 }).toBe(0);
    }
  });
});
