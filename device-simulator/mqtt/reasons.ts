import type { Redirection } from './addresses.ts';
import type { MqttVersion } from './frames.ts';

const useAnotherServer = 0x9c;
const serverMoved = 0x9d;

/** MQTT 3.1.1 section 3.2.2.3. */
const returnCodes: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  2: 'identifier rejected',
  3: 'server unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
};

/** MQTT 5.0 section 2.4; those that a publishing client can meet. */
const reasonCodes: Readonly<Record<number, string>> = {
  0: 'normal disconnection',
  128: 'unspecified error',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'implementation specific error',
  132: 'unsupported protocol version',
  133: 'client identifier not valid',
  134: 'bad user name or password',
  135: 'not authorized',
  136: 'server unavailable',
  137: 'server busy',
  138: 'banned',
  139: 'server shutting down',
  141: 'keep alive timeout',
  142: 'session taken over',
  144: 'topic name invalid',
  147: 'receive maximum exceeded',
  149: 'packet too large',
  150: 'message rate too high',
  151: 'quota exceeded',
  152: 'administrative action',
  153: 'payload format invalid',
  156: 'use another server',
  157: 'server moved',
};

/** For people: `0x87 not authorized`. */
export function describeCode(code: number, version: MqttVersion): string {
  const name = (version === 5 ? reasonCodes : returnCodes)[code] ?? 'unknown';
  return `0x${code.toString(16).padStart(2, '0')} ${name}`;
}

/** Refusals of CONNECT that trying again cannot change: wrong credentials, wrong version, wrong client id, banned. */
export function isFinalRefusal(code: number, version: MqttVersion): boolean {
  return version === 5 ? [132, 133, 134, 135, 138].includes(code) : [1, 2, 4, 5].includes(code);
}

/** What a CONNACK or DISCONNECT says about going elsewhere (MQTT 5.0 section 4.13); undefined when it says nothing. */
export function redirectionOf(
  code: number,
  version: MqttVersion,
  reference: string | undefined,
): Redirection | undefined {
  if (version !== 5 || (code !== useAnotherServer && code !== serverMoved)) return undefined;
  return { isPermanent: code === serverMoved, reference };
}
