import type { ConnectionOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { ListenerOptions } from '../../../gateway/mqtt/context.ts';
import { type LimitChanges, makeAdmission } from '../core/limits/support.ts';
import { until } from './support.ts';
import { SecureClient, SecureEdge } from './tls-support.ts';
import { Transports } from './transport-support.ts';
import { upgradeRequest } from './websocket/raw-websocket.ts';

/** What time gives back is not of interest here. */
const slowly = 1e-6;
const open = { files: { clientCertificates: 'none' as const }, tls: { clientCertificates: 'none' as const } };
const versions = ['TLSv1.3', 'TLSv1.2'] as const;
const burst = 3;

interface Scene {
  readonly edge: SecureEdge;
  readonly options: ConnectionOptions;
  /** Sent behind the handshake, so that MQTT may be spoken. */
  readonly request: string | undefined;
}

/** Whether its handshake was let begin, the server having taken note of how it ended. */
async function isLet({ edge, request }: Scene, client: SecureClient): Promise<boolean> {
  const before = edge.seen.of('socketAccepted').length;
  const isOver = () => client.isSecure || client.closed || edge.server.handshakesWaiting > 0;
  await until(isOver, 'the handshake to be done, refused, or kept waiting');
  if (!client.isSecure) return false;
  if (request !== undefined) client.socket.write(request);
  await until(() => edge.seen.of('socketAccepted').length > before, 'the connection to be accepted');
  return true;
}

/** How many handshakes there may be, the first one a full one. */
async function countHandshakes(scene: Scene, resumes: boolean): Promise<number> {
  const { edge, options } = scene;
  const first = new SecureClient({ ...edge.clientOptions(), ...options });
  expect(await isLet(scene, first)).toBe(true);
  await until(() => first.session !== undefined, 'a session ticket');
  const session = resumes && first.session !== undefined ? { session: first.session } : {};
  for (let count = 1; ; count += 1) {
    if (!(await isLet(scene, new SecureClient({ ...edge.clientOptions(), ...options, ...session })))) return count;
  }
}

async function sceneOf(
  changes: LimitChanges['handshakes'],
  options: ConnectionOptions,
  listener: Partial<ListenerOptions> = {},
): Promise<Scene & { readonly seen: readonly string[] }> {
  const { admission, events } = makeAdmission({ handshakes: changes ?? {} });
  const edge = await SecureEdge.start({ ...open, admission, listener });
  return { edge, options, request: listener.webSocket && upgradeRequest(), seen: events.seen };
}

/** A handshake needs a whole token, and one that resumes gives part of it back: see `Admission.resumed`. */
const prices = [
  { resumedCostPercent: 100, expected: 3 },
  { resumedCostPercent: 50, expected: 4 },
  { resumedCostPercent: 25, expected: 6 },
] as const;

describe.each(versions)('a session that is resumed (%s)', (maxVersion) => {
  it.each(prices)(
    'costs its address $resumedCostPercent % of a handshake',
    async ({ resumedCostPercent, expected }) => {
      const limits = { perSecondPerAddress: slowly, burstPerAddress: burst, resumedCostPercent };
      const scene = await sceneOf(limits, { maxVersion });
      expect(await countHandshakes(scene, true)).toBe(expected);
      expect(scene.seen).toEqual(['address_handshakes 127.0.0.1']);
      const resumed = scene.edge.handshakes.seen.filter((each) => each === `${maxVersion} resumed`);
      expect(resumed).toHaveLength(expected - 1);
    },
  );

  it.each(prices)('costs the gateway $resumedCostPercent % of one', async ({ resumedCostPercent, expected }) => {
    const scene = await sceneOf({ perSecond: slowly, burst, resumedCostPercent }, { maxVersion });
    expect(await countHandshakes(scene, true)).toBe(expected);
    expect(scene.edge.server.handshakesWaiting).toBe(1);
  });

  it('costs less over WebSocket, too', async () => {
    const observer = new Transports();
    const webSocket = { path: '/mqtt', allowedOrigins: [], upgradeTimeoutMs: 10_000, maxUpgrades: 10, observer };
    const limits = { perSecondPerAddress: slowly, burstPerAddress: burst, resumedCostPercent: 50 };
    const scene = await sceneOf(limits, { maxVersion, ALPNProtocols: ['http/1.1'] }, { webSocket });
    expect(await countHandshakes(scene, true)).toBe(4);
  });
});

it('a full handshake costs all of a token, whoever has a ticket and does not use it', async () => {
  const limits = { perSecondPerAddress: slowly, burstPerAddress: burst, resumedCostPercent: 50 };
  const scene = await sceneOf(limits, {});
  expect(await countHandshakes(scene, false)).toBe(burst);
});

it('a session that is resumed by a certificate which was revoked since gets nothing back', async () => {
  const limits = { perSecondPerAddress: slowly, burstPerAddress: burst, resumedCostPercent: 0 };
  const { admission, events } = makeAdmission({ handshakes: limits });
  const edge = await SecureEdge.start({ admission });
  const own = await edge.folder.device('a');
  const first = new SecureClient(edge.clientOptions(own));
  expect(await first.connect()).toBe(0);
  await until(() => first.session !== undefined, 'a session ticket');
  const session = first.session as Buffer;
  await edge.folder.authority.revoke('a');
  edge.server.useTls('secure', edge.folder.read());
  for (let attempt = 0; attempt < burst; attempt += 1) {
    await new SecureClient({ ...edge.clientOptions(own), session }).end();
  }
  expect(edge.handshakes.seen).toEqual(['TLSv1.3', 'certificate_revoked', 'certificate_revoked']);
  expect(events.seen).toEqual(['address_handshakes 127.0.0.1']);
});
