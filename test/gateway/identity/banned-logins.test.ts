import { describe, expect, it } from 'vitest';
import { type BannedLogin, BannedLogins } from '../../../gateway/identity/banned-logins.ts';
import type { Device } from '../../../gateway/identity/device.ts';
import type { PasswordVerdict } from '../../../gateway/identity/observer.ts';
import { waitFor } from '../../support/wait-for.ts';
import { makeDevice } from './devices.ts';

const perMillisecond = 60_000;

/** Verifies when the test says so. */
class Verifying {
  /** What was begun: address, name and password. */
  readonly seen: string[] = [];
  readonly verdicts: string[] = [];
  readonly logins: BannedLogins;
  readonly #device: Device;
  #end: ((verdict: PasswordVerdict) => void) | undefined;

  private constructor(perMinute: number, device: Device) {
    const verify = ({ source, device, password }: BannedLogin): Promise<PasswordVerdict> => {
      this.seen.push(`${source} ${device?.deviceId ?? 'nobody'} ${Buffer.from(password).toString()}`);
      return new Promise((resolve) => {
        this.#end = resolve;
      });
    };
    this.logins = new BannedLogins(perMinute, verify, {
      bannedVerified: (verdict) => void this.verdicts.push(verdict),
      registryFailed: (code) => void this.verdicts.push(code),
    });
    this.#device = device;
  }

  static async of(perMinute: number): Promise<Verifying> {
    return new Verifying(perMinute, { ...(await makeDevice('any', 'secret')), revision: 0 } as Device);
  }

  refuse(deviceId: string | undefined, password = 'p', source = 'nat', isKnownSource = false): void {
    const device = deviceId === undefined ? undefined : { ...this.#device, deviceId };
    const fingerprint = `${deviceId} ${password}`;
    this.logins.refused(device, Buffer.from(password), fingerprint, { source, isKnownSource });
  }

  /** All that is known by now is taken up. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Ends the one that is under way. */
  end(verdict: PasswordVerdict = 'wrong'): void {
    this.#end?.(verdict);
  }

  /** Ends the one that is under way, and waits for the next. */
  async next(): Promise<string> {
    const { length } = this.seen;
    this.end();
    await waitFor(() => this.seen.length > length, { deadlineMs: 10_000, what: 'the next one' });
    return this.seen[length] as string;
  }
}

describe('logins that were refused as banned', () => {
  it('are verified only when the answer has gone', async () => {
    const verifying = await Verifying.of(perMillisecond);
    verifying.refuse('d');
    expect(verifying.seen).toEqual([]);
    await verifying.settled();
    expect(verifying.seen).toEqual(['nat d p']);
    expect(verifying.logins.waiting).toBe(0);
  });

  it('cost others the same where there is no such device, and all of those one turn together, uncounted', async () => {
    const verifying = await Verifying.of(perMillisecond);
    verifying.refuse(undefined, 'first');
    await verifying.settled();
    expect(verifying.seen).toEqual(['nat nobody first']);
    for (let i = 0; i < 50; i += 1) verifying.refuse(undefined, `p ${i}`, `nat ${i}`);
    verifying.refuse('d', 'p', 'elsewhere');
    await verifying.settled();
    expect(verifying.logins.waiting).toBe(2);
    expect([await verifying.next(), await verifying.next()].join()).toContain('elsewhere d p');
    verifying.end('right');
    await verifying.settled();
    expect(verifying.verdicts.filter((verdict) => verdict === 'wrong').length).toBeLessThanOrEqual(1);
  });

  it('take turns by address, and by name within one: who guesses at others keeps nobody from his turn', async () => {
    const verifying = await Verifying.of(perMillisecond);
    for (let i = 0; i < 1000; i += 1) verifying.refuse(`r${i % 3}`, `guess ${i}`);
    verifying.refuse('d', 'right');
    verifying.refuse('e', 'right', 'elsewhere');
    await verifying.settled();
    expect(verifying.seen).toEqual(['nat r0 guess 0']);
    // Those that came last, once each.
    const order = [await verifying.next(), await verifying.next(), await verifying.next(), await verifying.next()];
    expect(order).toEqual(['nat r1 guess 997', 'elsewhere e right', 'nat r2 guess 998', 'nat r0 guess 999']);
    for (let i = 0; i < 1000; i += 1) verifying.refuse(`r${i % 3}`, `again ${i}`);
    await verifying.settled();
    expect(await verifying.next()).toBe('nat d right');
  });

  it('from addresses of devices have every second turn, however many others attack', async () => {
    const verifying = await Verifying.of(perMillisecond);
    for (let i = 0; i < 5000; i += 1) verifying.refuse('d', 'p', `stranger ${i}`);
    verifying.refuse('d', 'p', 'home', true);
    await verifying.settled();
    const order = [await verifying.next(), await verifying.next()];
    expect(order).toContain('home d p');
    expect(verifying.logins.waiting).toBeLessThanOrEqual(1000);
  });

  it('are no more than the rate allows, however many there are', async () => {
    const verifying = await Verifying.of(1);
    for (let i = 0; i < 1000; i += 1) verifying.refuse(`d${i}`, 'p', `nat ${i}`);
    await verifying.settled();
    verifying.end();
    await verifying.settled();
    // The next one has its turn in a minute.
    expect(verifying.seen).toHaveLength(1);
    expect(verifying.logins.waiting).toBe(500);
  });

  it('with a password that was found wrong take no second turn, and with another one they do', async () => {
    const verifying = await Verifying.of(perMillisecond);
    verifying.refuse('d', 'wrong');
    await verifying.settled();
    verifying.refuse('e', 'any');
    await verifying.settled();
    expect(await verifying.next()).toBe('nat e any');
    verifying.refuse('d', 'wrong', 'elsewhere');
    await verifying.settled();
    expect(verifying.logins.waiting).toBe(0);
    verifying.refuse('d', 'other');
    await verifying.settled();
    expect(await verifying.next()).toBe('nat d other');
    expect(verifying.verdicts).toEqual(['wrong', 'wrong']);
  });

  it('with passwords of many kilobytes are not kept', async () => {
    const verifying = await Verifying.of(perMillisecond);
    verifying.refuse('d', 'p'.repeat(257));
    await verifying.settled();
    expect(verifying.seen).toEqual([]);
    expect(verifying.logins.waiting).toBe(0);
  });
});
