import { Buffer } from 'node:buffer';
import { generate, type Packet } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import type { CloseReason } from '../../../gateway/mqtt/observer.ts';
import { join, RawClient, startEdge } from './support.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const v5 = (packet: Packet) => generate(packet, { protocolVersion: 5 });
const connect5 = v5({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 5,
  clean: true,
  clientId: 'c1',
  keepalive: 60,
});
/** PUBLISH QoS 1 to `t`, packet identifier 1, with these properties (length included). */
const publishWith = (properties: string) => {
  const body = Buffer.concat([hex('0001 74 0001'), hex(properties), hex('00')]);
  return Buffer.concat([Buffer.from([0x32, body.length]), body]);
};

/** After CONNECT in MQTT 5: bytes, and the reason code of the DISCONNECT that answers them. */
const violations: readonly (readonly [string, Buffer, number])[] = [
  ['a remaining length of five bytes', hex('30 ff ff ff ff 01'), 0x81],
  ['a remaining length that is longer than necessary', hex('c0 80 00'), 0x81],
  ['a packet above the maximum packet size', hex('30 ff ff 7f'), 0x95],
  ['packet type 0', hex('00 00'), 0x81],
  ['a second CONNECT', connect5, 0x82],
  ['CONNACK', hex('20 03 00 00 00'), 0x82],
  ['PINGREQ with flags', hex('c1 00'), 0x81],
  ['PINGREQ with content', hex('c0 01 00'), 0x81],
  ['PUBLISH with QoS 3', hex('36 06 0001 74 0001 00'), 0x81],
  ['PUBLISH with DUP and QoS 0', hex('38 04 0001 74 00'), 0x82],
  ['PUBLISH with packet identifier 0', hex('32 06 0001 74 0000 00'), 0x82],
  ['PUBLISH without a topic name', hex('30 03 0000 00'), 0x82],
  ['PUBLISH with NUL in the topic name', hex('30 05 0002 7400 00'), 0x81],
  ['PUBLISH with invalid UTF-8 in the topic name', hex('30 05 0002 c328 00'), 0x81],
  ['PUBLISH with a surrogate in the topic name', hex('30 06 0003 eda080 00'), 0x81],
  ['PUBLISH with a wildcard in the topic name', hex('30 05 0002 742b 00'), 0x90],
  ['PUBLISH with a topic name longer than the packet', hex('30 04 00ff 74 00'), 0x81],
  ['PUBLISH with a truncated property length', hex('32 06 0001 74 0001 80'), 0x81],
  ['PUBLISH with a property length of five bytes', hex('30 08 0001 74 ffffffff01'), 0x81],
  ['PUBLISH with a property length that is longer than necessary', hex('30 05 0001 74 8000'), 0x81],
  ['PUBLISH with properties that reach behind the packet', hex('30 04 0001 74 05'), 0x81],
  ['PUBLISH with an unknown property', publishWith('02 7f00'), 0x81],
  ['PUBLISH with a property of CONNECT', publishWith('05 11 00000001'), 0x81],
  ['PUBLISH with a truncated property', publishWith('03 02 0000'), 0x81],
  ['PUBLISH with a property twice', publishWith('04 01 00 01 00'), 0x82],
  ['PUBLISH with a property twice, both falsy', publishWith('06 03 0000 03 0000'), 0x82],
  ['PUBLISH with a payload format indicator of 2', publishWith('02 01 02'), 0x82],
  ['PUBLISH with a wildcard in the response topic', publishWith('04 08 0001 23'), 0x82],
  ['PUBLISH with a subscription identifier', publishWith('02 0b 01'), 0x82],
  ['PUBLISH with NUL in a user property', publishWith('07 26 0001 00 0001 61'), 0x81],
  ['PUBLISH with topic alias 0', publishWith('03 23 0000'), 0x94],
  ['PUBLISH with a topic alias above the maximum', publishWith('03 23 0011'), 0x94],
  ['PUBLISH with a topic alias that stands for nothing', hex('30 06 0000 03 23 0001'), 0x82],
  ['PUBLISH with RETAIN', hex('31 04 0001 74 00'), 0x9a],
  ['PUBACK with flags', hex('41 02 0001'), 0x81],
  ['PUBACK with packet identifier 0', hex('40 02 0000'), 0x82],
  ['PUBACK with a reason code of another packet', hex('40 03 0001 92'), 0x82],
  ['PUBREL without its flags', hex('60 02 0001'), 0x81],
  ['PUBREL with bytes behind its end', hex('62 05 0001 00 00 ff'), 0x81],
  ['SUBSCRIBE without its flags', hex('80 07 0001 00 0001 74 00'), 0x81],
  ['SUBSCRIBE without a filter', hex('82 03 0001 00'), 0x82],
  ['SUBSCRIBE with packet identifier 0', hex('82 07 0000 00 0001 74 00'), 0x82],
  ['SUBSCRIBE with an empty filter', hex('82 06 0001 00 0000 00'), 0x81],
  ['SUBSCRIBE with QoS 3', hex('82 07 0001 00 0001 74 03'), 0x82],
  ['SUBSCRIBE with retain handling 3', hex('82 07 0001 00 0001 74 30'), 0x82],
  ['SUBSCRIBE with reserved bits', hex('82 07 0001 00 0001 74 40'), 0x81],
  ['SUBSCRIBE without options', hex('82 06 0001 00 0001 74'), 0x81],
  ['SUBSCRIBE with no local on a shared subscription', hex('82 10 0001 00 000a 2473686172652f672f74 04'), 0x82],
  ['SUBSCRIBE to a wildcard', hex('82 07 0001 00 0001 23 00'), 0xa2],
  ['SUBSCRIBE to a shared subscription', hex('82 10 0001 00 000a 2473686172652f672f74 00'), 0x9e],
  ['SUBSCRIBE with a subscription identifier', hex('82 09 0001 02 0b01 0001 74 00'), 0xa1],
  ['SUBSCRIBE with subscription identifier 0', hex('82 09 0001 02 0b00 0001 74 00'), 0x82],
  ['UNSUBSCRIBE without a filter', hex('a2 03 0001 00'), 0x82],
  ['UNSUBSCRIBE without its flags', hex('a0 06 0001 00 0001 74'), 0x81],
  ['DISCONNECT with a reason code of the server', hex('e0 01 8b'), 0x82],
  ['DISCONNECT with flags', hex('e1 00'), 0x81],
  ['DISCONNECT that raises the session expiry from 0', hex('e0 07 00 05 11 00000001'), 0x82],
  ['AUTH', hex('f0 02 18 00'), 0x82],
];

describe('a violation in MQTT 5', () => {
  it.each(violations)('%s: DISCONNECT with the reason code of the standard', async (_name, bytes, code) => {
    const edge = await startEdge();
    const other = await join(edge, { clientId: 'other' });
    const client = await join(edge);
    client.write(bytes);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: code });
    await client.end();
    expect(edge.seen.of('protocolViolation')).toHaveLength(1);
    expect(edge.seen.of('connectionClosed').map(([, reason]) => reason)).toEqual(['violation']);
    await other.nothingSent();
  });
});

describe('a violation in MQTT 3.1.1', () => {
  it.each([
    ['a remaining length of five bytes', hex('30 ff ff ff ff 01')],
    ['a packet above the limit', hex('30 ff ff 7f')],
    ['PUBLISH with packet identifier 0', hex('32 05 0001 74 0000')],
    ['PUBLISH with QoS 3', hex('36 05 0001 74 0001')],
    ['PUBLISH with NUL in the topic name', hex('30 04 0002 7400')],
    ['PUBLISH with an empty topic name', hex('30 02 0000')],
    ['SUBSCRIBE with reserved bits', hex('82 06 0001 0001 74 04')],
    ['DISCONNECT with content', hex('e0 01 00')],
    ['AUTH, which 3.1.1 does not have', hex('f0 00')],
  ])('%s: the connection is closed without a word', async (_name, bytes) => {
    const edge = await startEdge();
    const client = await join(edge, { version: 4 });
    client.write(bytes);
    await client.end();
    expect(client.packets).toEqual([]);
    expect(edge.seen.of('protocolViolation')).toHaveLength(1);
  });
});

/** A CONNECT of MQTT 5: `flags`, keep alive 60, `properties` with their length, then the payload. */
const connectOf = (flags: string, properties: string, payload: string, level = '05') => {
  const body = Buffer.concat([
    hex('0004 4d515454'),
    hex(level),
    hex(flags),
    hex('003c'),
    hex(properties),
    hex(payload),
  ]);
  return Buffer.concat([Buffer.from([0x10, body.length]), body]);
};

describe('a CONNECT that breaks MQTT 5', () => {
  it.each([
    ['a reserved flag', connectOf('03', '00', '0001 63'), 0x81],
    ['will QoS 3', connectOf('1e', '00', '0001 63 00 0001 74 0000'), 0x81],
    ['will retain without a will', connectOf('22', '00', '0001 63'), 0x81],
    ['NUL in the client identifier', connectOf('02', '00', '0001 00'), 0x81],
    ['bytes behind its end', connectOf('02', '00', '0001 63 ff'), 0x81],
    ['a truncated user name', connectOf('82', '00', '0001 63 0005 61'), 0x81],
    ['a property twice', connectOf('02', '0a 11 00000000 11 00000000', '0001 63'), 0x82],
    ['receive maximum 0', connectOf('02', '03 21 0000', '0001 63'), 0x82],
    ['maximum packet size 0', connectOf('02', '05 27 00000000', '0001 63'), 0x82],
    ['request problem information 2', connectOf('02', '02 17 02', '0001 63'), 0x82],
    ['authentication data without method', connectOf('02', '04 16 0001 61', '0001 63'), 0x82],
    ['a property of PUBLISH', connectOf('02', '03 23 0001', '0001 63'), 0x81],
    ['a wildcard in the will topic', connectOf('06', '00', '0001 63 00 0001 23 0000'), 0x90],
    ['an authentication method', connectOf('02', '04 15 0001 61', '0001 63'), 0x8c],
    ['a retained will', connectOf('26', '00', '0001 63 00 0001 74 0000'), 0x9a],
    ['a maximum packet size that CONNACK does not fit', connectOf('02', '05 27 0000000a', '0001 63'), 0x95],
    ['protocol level 6', connectOf('02', '00', '0001 63', '06'), 0x84],
  ])('%s: CONNACK with the reason code of the standard', async (_name, bytes, code) => {
    const edge = await startEdge();
    const client = new RawClient(edge.port, 5);
    client.write(bytes);
    expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: code, sessionPresent: false });
    await client.end();
    expect(edge.seen.of('connectRefused')).toHaveLength(1);
    expect(edge.server.sessions).toBe(0);
  });
});

describe('before CONNECT', () => {
  it.each<[string, Buffer, CloseReason]>([
    ['another packet first', hex('c0 00'), 'not_mqtt'],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'not_mqtt'],
    ['an unknown protocol name', hex('10 0d 0004 58585858 04 02 003c 0001 63'), 'not_mqtt'],
    ['a remaining length of five bytes', hex('10 ff ff ff ff 01'), 'not_mqtt'],
    ['an announced size above the limit', hex('10 ff ff 7f'), 'not_mqtt'],
    ['a CONNECT of more than 16 KiB, which strangers could fill the memory with', hex('10 fe 7f'), 'not_mqtt'],
  ])('%s: the connection is closed without a word', async (_name, bytes, reason) => {
    const edge = await startEdge();
    const client = new RawClient(edge.port, 4);
    client.write(bytes);
    await client.end();
    expect(client.packets).toEqual([]);
    expect(edge.seen.of('connectionClosed').map(([, why]) => why)).toEqual([reason]);
  });

  it.each([
    ['MQTT 3.1', hex('10 0f 0006 4d5149736470 03 02 003c 0001 63')],
    ['level 3 of MQTT', hex('10 0d 0004 4d515454 03 02 003c 0001 63')],
    ['a bridge of Mosquitto', hex('10 0d 0004 4d515454 84 02 003c 0001 63')],
  ])('%s is answered with return code 1', async (_name, bytes) => {
    const edge = await startEdge();
    const client = new RawClient(edge.port, 4);
    client.write(bytes);
    expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 1 });
    await client.end();
  });

  it('a refusal in MQTT 3.1.1 uses the return code that fits', async () => {
    const edge = await startEdge();
    const client = new RawClient(edge.port, 4);
    client.write(hex('10 0c 0004 4d515454 04 00 003c 0000'));
    expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 2 });
    await client.end();
  });
});

describe('an error of our own', () => {
  it('ends the connection that it happened on, and no other', async () => {
    const edge = await startEdge({
      receive: () => {
        throw new Error('planted');
      },
    });
    const other = await join(edge, { clientId: 'other' });
    const client = await join(edge);
    client.publish(1);
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x80 });
    await client.end();
    expect(edge.seen.of('internalError')).toHaveLength(1);
    await other.nothingSent();
  });
});
