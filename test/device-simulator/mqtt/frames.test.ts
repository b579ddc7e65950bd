import fc from 'fast-check';
import { type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { describe, expect, it } from 'vitest';
import { FrameSplitter, type MqttVersion, markDuplicate, publishFrame } from '../../../device-simulator/mqtt/frames.ts';

function decode(frame: Buffer, protocolVersion: MqttVersion): IPublishPacket {
  const packets: Packet[] = [];
  const decoder = parser({ protocolVersion });
  decoder.on('packet', (packet: Packet) => packets.push(packet));
  decoder.parse(frame);
  expect(packets).toHaveLength(1);
  return packets[0] as IPublishPacket;
}

const version = fc.constantFrom<MqttVersion>(4, 5);

describe('a PUBLISH frame', () => {
  it('is what an independent codec reads back', () => {
    fc.assert(
      fc.property(
        version,
        fc.string({ minLength: 1, maxLength: 200 }).filter((text) => !/[\0+#]/.test(text) && text.isWellFormed()),
        fc.integer({ min: 1, max: 65_535 }),
        fc.uint8Array({ maxLength: 20_000, size: 'max' }),
        fc.boolean(),
        (protocolVersion, topic, packetId, payload, duplicate) => {
          const frame = publishFrame(Buffer.from(topic), packetId, payload, protocolVersion);
          if (duplicate) markDuplicate(frame);
          const packet = decode(frame, protocolVersion);
          expect(packet).toMatchObject({ cmd: 'publish', topic, messageId: packetId, qos: 1, dup: duplicate });
          expect(packet.payload).toEqual(Buffer.from(payload));
        },
      ),
    );
  });
});

describe.each<MqttVersion>([4, 5])('a PUBLISH frame at QoS 0 with protocol level %i', (protocolVersion) => {
  it('has no packet id', () => {
    const packet = decode(
      publishFrame(Buffer.from('a/b'), 0, Buffer.from('payload'), protocolVersion, 0),
      protocolVersion,
    );
    expect(packet).toMatchObject({ topic: 'a/b', qos: 0, dup: false });
    expect(packet.messageId).toBeUndefined();
    expect(packet.payload.toString()).toBe('payload');
  });
});

describe('the frame splitter', () => {
  const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 20 });

  it('finds the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (payloads, cuts) => {
        const written = payloads.map((payload, i) => publishFrame(Buffer.from('t'), i + 1, payload, 4));
        const stream = Buffer.concat(written);
        const splitter = new FrameSplitter();
        const found: Buffer[] = [];
        for (let offset = 0, cut = 0; offset < stream.length; cut += 1) {
          const end = offset + (cuts[cut % cuts.length] as number);
          // The reader's buffer is reused: what the splitter keeps must be a copy.
          const chunk = Buffer.from(stream.subarray(offset, end));
          const isMqtt = splitter.push(chunk, (frame, bodyOffset) => {
            expect(frame.readUInt16BE(bodyOffset)).toBe(1);
            found.push(Buffer.from(frame));
            return true;
          });
          expect(isMqtt).toBe(true);
          chunk.fill(0xff);
          offset = end;
        }
        expect(found).toEqual(written);
      }),
    );
  });

  it('refuses a length of five bytes, and frames larger than any that a publisher gets', () => {
    const push = (...bytes: number[]) => new FrameSplitter().push(Buffer.from(bytes), () => true);
    expect(push(0x40, 0x80, 0x80, 0x80, 0x80, 0x01)).toBe(false);
    expect(push(0x30, 0xff, 0xff, 0xff, 0x7f)).toBe(false);
    expect(push(0x40, 0x80)).toBe(true);
  });

  it('hands out nothing more once the handler says stop', () => {
    let handled = 0;
    new FrameSplitter().push(Buffer.from([0x40, 2, 0, 1, 0x40, 2, 0, 2]), () => {
      handled += 1;
      return false;
    });
    expect(handled).toBe(1);
  });
});
