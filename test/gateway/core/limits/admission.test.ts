import { describe, expect, it } from 'vitest';
import type { Admission } from '../../../../gateway/core/limits/admission.ts';
import type { Peer } from '../../../../gateway/core/limits/peer.ts';
import { makeAdmission } from './support.ts';

const attacker = '198.51.100.66';
const nat = '203.0.113.1';

function arrive(admission: Admission, address: string, nowMs = 0): Peer {
  const peer = admission.arrive(address, nowMs);
  if (peer === undefined) throw new Error(`${address} was closed at accept`);
  return peer;
}

describe('a ban', () => {
  it('of a login is that of the name from one address: the device itself logs in from its own', () => {
    const { admission, events } = makeAdmission({ bans: { failuresPerLogin: 3 } });
    const bad = arrive(admission, attacker);
    for (let i = 0; i < 10; i += 1) admission.bans.failed(bad, 'victim', 0);
    expect(admission.bans.hasLogin(bad, 'victim', 0)).toBe(true);
    expect(admission.bans.hasLogin(bad, 'other', 0)).toBe(false);
    expect(admission.bans.hasLogin(arrive(admission, nat), 'victim', 0)).toBe(false);
    expect(events.seen).toEqual([`banned login ${attacker}`]);
    expect(admission.bans.hasLogin(bad, 'victim', 60_000)).toBe(false);
  });

  it('of an address takes many different names; one device with a wrong password is none', () => {
    const { admission } = makeAdmission({ bans: { namesPerAddress: 5 } });
    const peer = arrive(admission, nat);
    for (let i = 0; i < 500; i += 1) admission.bans.failed(peer, 'misconfigured', 0);
    expect(admission.bans.hasAddress(peer, 0)).toBe(false);
    for (let i = 0; i < 4; i += 1) admission.bans.failed(peer, `guess-${i}`, 0);
    expect(admission.bans.hasAddress(peer, 0)).toBe(true);
  });

  it('does not meet a fleet behind one address of which some devices are set wrong', () => {
    const { admission } = makeAdmission({ bans: { namesPerAddress: 5 } });
    const peer = arrive(admission, nat);
    for (let i = 0; i < 100; i += 1) {
      admission.bans.succeeded(peer, `good-${i}`, 0);
      admission.bans.failed(peer, `wrong-${i}`, 0);
    }
    expect(admission.bans.hasAddress(peer, 0)).toBe(false);
  });

  it('closes sockets at accept, but not where a device has logged in lately', () => {
    const { admission, events } = makeAdmission({ bans: { namesPerAddress: 2, knownForSeconds: 10 } });
    const stranger = arrive(admission, attacker);
    const shared = arrive(admission, nat);
    admission.bans.succeeded(shared, 'honest', 0);
    for (let i = 0; i < 5; i += 1) {
      admission.bans.failed(stranger, `guess-${i}`, 0);
      admission.bans.failed(shared, `guess-${i}`, 0);
    }
    expect(admission.arrive(attacker, 0)).toBeUndefined();
    expect(admission.arrive(nat, 0)).toBe(shared);
    expect(admission.bans.hasLogin(shared, 'honest', 0)).toBe(true);
    expect(admission.arrive(nat, 10_000)).toBeUndefined();
    expect(events.seen.slice(-1)).toEqual([`address_banned ${nat}`]);
    expect(admission.arrive(attacker, 60_000)).toBeDefined();
  });

  it('of an address lets some of its sockets come where no device has logged in: one may be there all the same', () => {
    const { admission } = makeAdmission({ bans: { namesPerAddress: 1, socketsPerSecond: 2 } });
    admission.bans.failed(arrive(admission, attacker), 'guess', 0);
    const come = (nowMs: number): number => {
      let sockets = 0;
      for (let i = 0; i < 100; i += 1) if (admission.arrive(attacker, nowMs) !== undefined) sockets += 1;
      return sockets;
    };
    expect([come(0), come(0), come(1000), come(1500)]).toEqual([2, 0, 2, 1]);
    expect(admission.arrive(nat, 0)).toBeDefined();
  });

  it('ends in its time, whatever fails while it lasts', () => {
    const { admission, events } = makeAdmission({ bans: { failuresPerLogin: 2, namesPerAddress: 3 } });
    const peer = arrive(admission, attacker);
    const fail = (nowMs: number): void => {
      for (let i = 0; i < 3; i += 1) admission.bans.failed(peer, `guess-${i}`, nowMs);
    };
    for (let nowMs = 0; nowMs < 60_000; nowMs += 1000) fail(nowMs);
    expect(events.count('banned address')).toBe(1);
    expect(events.count('banned login')).toBe(3);
    expect(admission.bans.hasLogin(peer, 'guess-1', 59_999)).toBe(true);
    // The logins were banned a second later, with their second failures.
    expect(admission.bans.hasAddress(peer, 60_000)).toBe(false);
    expect(admission.bans.hasLogin(peer, 'guess-1', 61_000)).toBe(false);
  });

  it('does not meet an address that a device is connected from, however long ago it has logged in', () => {
    const { admission } = makeAdmission({ bans: { namesPerAddress: 2, knownForSeconds: 10, seconds: 1000 } });
    const shared = arrive(admission, nat);
    admission.bans.succeeded(shared, 'honest', 0);
    shared.deviceCame();
    for (let i = 0; i < 5; i += 1) admission.bans.failed(shared, `guess-${i}`, 0);
    expect(admission.arrive(nat, 500_000)).toBe(shared);
    admission.deviceLeft(shared, 500_000);
    expect(admission.arrive(nat, 509_999)).toBe(shared);
    expect(admission.arrive(nat, 510_000)).toBeUndefined();
  });

  it('is of no whole network of IPv4, but of the 64 bits that one host of IPv6 has', () => {
    const { admission } = makeAdmission({ bans: { namesPerAddress: 3 } });
    for (let i = 1; i <= 3; i += 1) admission.bans.failed(arrive(admission, `2001:db8::${i}`), `guess-${i}`, 0);
    expect(admission.arrive('2001:db8::ffff', 0)).toBeUndefined();
    expect(admission.arrive('2001:db8:0:1::1', 0)).toBeDefined();
  });

  it('never meets an address that stands for many', () => {
    const { admission } = makeAdmission({ bans: { namesPerAddress: 1, failuresPerLogin: 1 } }, { exempt: [nat] });
    const peer = arrive(admission, nat);
    for (let i = 0; i < 10; i += 1) admission.bans.failed(peer, 'victim', 0);
    expect(admission.bans.hasLogin(peer, 'victim', 0)).toBe(false);
  });

  it('can be switched off', () => {
    const { admission } = makeAdmission({ bans: { enabled: false, namesPerAddress: 1, failuresPerLogin: 1 } });
    const peer = arrive(admission, attacker);
    admission.bans.failed(peer, 'victim', 0);
    expect(admission.bans.hasLogin(peer, 'victim', 0)).toBe(false);
  });

  it('takes bounded memory, whatever names are tried, and however long they are', () => {
    const { admission } = makeAdmission({ bans: { failuresPerLogin: 1, namesPerAddress: 1_000_000 } });
    const peer = arrive(admission, attacker);
    for (let i = 0; i < 5000; i += 1) admission.bans.failed(peer, `guess-${i}`, 0);
    expect(admission.bans.logins).toBe(1000);
    const { admission: other } = makeAdmission({ bans: { failuresPerLogin: 2 } });
    const bad = arrive(other, attacker);
    for (let i = 0; i < 2; i += 1) other.bans.failed(bad, `${i}`.repeat(10_000), 0);
    expect(other.bans.hasLogin(bad, 'x'.repeat(10_000), 0)).toBe(true);
    expect(other.bans.logins).toBe(1);
  });
});

describe('CONNECTs', () => {
  it('of one address have their rate, and another address its own', () => {
    const { admission, events } = makeAdmission({ connects: { perSecondPerAddress: 1, burstPerAddress: 2 } });
    const peer = arrive(admission, attacker);
    const answers = [0, 0, 0, 1000].map((atMs) => admission.connect(peer, false, atMs));
    expect(answers).toEqual([undefined, undefined, 'address_connects', undefined]);
    expect(admission.connect(arrive(admission, nat), false, 0)).toBeUndefined();
    expect(events.seen).toEqual([`address_connects ${attacker}`]);
  });

  it('of strangers leave a share to those who were here before', () => {
    const { admission } = makeAdmission({ connects: { perSecond: 1, burst: 8 } });
    const stranger = arrive(admission, attacker);
    const known = arrive(admission, nat);
    admission.bans.succeeded(known, 'device', 0);
    let taken = 0;
    while (admission.connect(stranger, false, 0) === undefined) taken += 1;
    expect(taken).toBe(6);
    expect(admission.connect(known, false, 0)).toBeUndefined();
    expect(admission.connect(stranger, true, 0)).toBeUndefined();
    expect(admission.connect(known, true, 0)).toBe('connects');
  });

  it('over more connections than an address may have are refused, and sockets far beyond closed', () => {
    const { admission } = makeAdmission({ connections: { perAddress: 2 } });
    const [first, , third] = [1, 2, 3].map(() => arrive(admission, nat));
    expect(admission.connect(third as Peer, false, 0)).toBe('address_connections');
    admission.leave(first as Peer);
    expect(admission.connect(third as Peer, false, 0)).toBeUndefined();
    let sockets = 2;
    while (admission.arrive(nat, 0) !== undefined) sockets += 1;
    expect(sockets).toBe(103);
  });
});

describe('TLS handshakes', () => {
  it('cost half when they resume a session', () => {
    const { admission } = makeAdmission({ handshakes: { perSecond: 1, burst: 10 } });
    const peer = arrive(admission, nat);
    let full = 0;
    while (admission.takeHandshake(0)) full += 1;
    expect(full).toBe(10);
    expect(admission.handshakeWaitMs(0)).toBeCloseTo(1000);
    let resumed = 0;
    while (admission.takeHandshake(10_000)) {
      resumed += 1;
      admission.resumed(peer);
    }
    expect(resumed).toBe(19);
  });

  it('of one address have their rate', () => {
    const { admission } = makeAdmission({ handshakes: { perSecondPerAddress: 1, burstPerAddress: 1 } });
    const peer = arrive(admission, attacker);
    expect([0, 0, 1000].map((atMs) => admission.mayShakeHands(peer, atMs))).toEqual([true, false, true]);
    expect(admission.mayShakeHands(arrive(admission, nat), 0)).toBe(true);
  });
});

describe('a device', () => {
  const open = (admission: Admission, takesOver = false, nowMs = 0) =>
    admission.devices.open('vehicle\0d', true, takesOver, nowMs);

  it('has so many connections, one that takes over not counted, and gets a place back when one ends', () => {
    const { admission } = makeAdmission({ connections: { perDevice: 2 } });
    const first = open(admission);
    open(admission);
    expect(open(admission)).toBe('device_connections');
    expect(open(admission, true)).not.toBe('device_connections');
    if (typeof first === 'string') throw new Error(first);
    admission.devices.close(first);
    admission.devices.close(first);
    expect(open(admission)).toBe(first);
  });

  it('may connect so often; what it is allowed is not made new by going away', () => {
    const { admission } = makeAdmission({ connects: { perSecondPerDevice: 1, burstPerDevice: 2 } });
    for (let i = 0; i < 2; i += 1) {
      const account = open(admission);
      if (typeof account === 'string') throw new Error(account);
      admission.devices.close(account);
    }
    expect(open(admission)).toBe('device_connects');
    expect(open(admission, false, 1000)).not.toBe('device_connects');
  });

  it('is not kept out by anonymous clients that use its name', () => {
    const { admission } = makeAdmission({ connects: { perSecondPerDevice: 1, burstPerDevice: 1 } });
    for (let i = 0; i < 10; i += 1) {
      expect(typeof admission.devices.open('anonymous\0d', false, false, 0)).toBe('object');
    }
    expect(typeof open(admission)).toBe('object');
  });
});
