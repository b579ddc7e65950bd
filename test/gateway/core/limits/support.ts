import { Admission } from '../../../../gateway/core/limits/admission.ts';
import type { AdmissionLimits } from '../../../../gateway/core/limits/admission-limits.ts';
import type { RateLimits } from '../../../../gateway/core/limits/message-rate.ts';
import type { LimitsObserver } from '../../../../gateway/core/limits/observer.ts';

/** What was refused, banned and slowed, a line each. */
export class LimitEvents implements LimitsObserver {
  readonly seen: string[] = [];
  refused = (reason: string, address: string): void => void this.seen.push(`${reason} ${address}`);
  banned = (kind: string, address: string): void => void this.seen.push(`banned ${kind} ${address}`);
  slowed = (deviceId: string): void => void this.seen.push(`slowed ${deviceId}`);

  count(line: string): number {
    return this.seen.filter((each) => each.startsWith(line)).length;
  }
}

/** Limits that nobody reaches. */
export const wideLimits: AdmissionLimits = {
  handshakes: {
    perSecond: 1e6,
    burst: 1e6,
    perSecondPerAddress: 1e6,
    burstPerAddress: 1e6,
    resumedCostPercent: 50,
    queueMax: 1000,
  },
  connects: {
    perSecond: 1e6,
    burst: 1e6,
    perSecondPerAddress: 1e6,
    burstPerAddress: 1e6,
    perSecondPerDevice: 1e6,
    burstPerDevice: 1e6,
  },
  connections: { perAddress: 0, perDevice: 1000 },
  bans: {
    enabled: true,
    seconds: 60,
    windowSeconds: 60,
    failuresPerLogin: 1000,
    namesPerAddress: 1000,
    knownForSeconds: 3600,
    socketsPerSecond: 0,
  },
  maxTracked: 1000,
};

export type LimitChanges = { readonly [Part in keyof AdmissionLimits]?: Partial<AdmissionLimits[Part]> };

/** No device has a rate. */
export const noRates: RateLimits = { messagesPerSecond: 0, bytesPerSecond: 0, burstSeconds: 1, hardMultiple: 0 };

/** Wide limits but for these, and what is observed. */
export function makeAdmission(
  changes: LimitChanges = {},
  { rates = noRates, exempt = [] as readonly string[], nowMs = 0 } = {},
): { readonly admission: Admission; readonly events: LimitEvents } {
  const events = new LimitEvents();
  const limits: AdmissionLimits = {
    handshakes: { ...wideLimits.handshakes, ...changes.handshakes },
    connects: { ...wideLimits.connects, ...changes.connects },
    connections: { ...wideLimits.connections, ...changes.connections },
    bans: { ...wideLimits.bans, ...changes.bans },
    maxTracked: wideLimits.maxTracked,
  };
  const isExempt = (address: string) => exempt.includes(address);
  return { admission: new Admission({ limits, rates, isExempt, observer: events, nowMs }), events };
}

/** Sockets of an address that the admission counts. */
export function socketsOf(admission: Admission, address: string): number {
  const peer = admission.arrive(address, 0);
  if (peer === undefined) throw new Error(`${address} may not open a socket: what it has can't be told`);
  admission.leave(peer);
  return peer.uses;
}
