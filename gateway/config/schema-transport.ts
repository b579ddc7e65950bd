import { Type } from 'typebox';
import { integer, section, text } from './schema-parts.ts';

/** MQTT over WebSocket on one listener. */
export const listenerWebSocket = section('With `transport: websocket`, what is asked of the HTTP request before it.', {
  path: text('Path of the address that devices connect to: `wss://edge.example/mqtt`.', {
    default: '/mqtt',
    pattern: '^/[A-Za-z0-9._~/-]{0,127}$',
    rule: 'a path of up to 128 letters, digits and `. _ ~ / -`, without a query',
  }),
  allowedOrigins: Type.Array(
    text('Origin of web pages.', {
      pattern: '^(\\*|https?://[a-z0-9.\\[\\]:-]{1,253})$',
      rule: 'an origin in lower case such as `https://console.example`, or `*`',
    }),
    {
      default: [],
      description:
        'Web pages that may connect, as browsers name them in `Origin`; `*`: all. Devices name none and are not asked. By default no page may: a browser would show its certificate for whoever wrote the page.',
    },
  ),
  upgradeTimeoutMs: integer('Time from accepting a connection, or from the end of its TLS handshake, to its request.', {
    default: 10_000,
    minimum: 100,
    maximum: 600_000,
  }),
  maxUpgrades: integer('Requests under way at once; further connections are closed.', {
    default: 1000,
    minimum: 1,
    maximum: 1_000_000,
  }),
});

/** PROXY protocol on one listener. Left out, connections are those of devices themselves. */
export const listenerProxyProtocol = Type.Object(
  {
    from: Type.Array(text('An address or a subnet, such as `10.0.0.0/8`.', { minLength: 1 }), {
      minItems: 1,
      description:
        'Load balancers, by address or subnet. Only they can connect to this listener, and each connection must begin with a header.',
    }),
    timeoutMs: integer('Time from accepting a connection to its complete header.', {
      default: 5_000,
      minimum: 100,
      maximum: 600_000,
    }),
    maxPending: integer('Headers that are waited for at once; further connections are closed.', {
      default: 1000,
      minimum: 1,
      maximum: 1_000_000,
    }),
  },
  {
    additionalProperties: false,
    description:
      'PROXY protocol, version 2, behind a load balancer: logs and limits know the address of the device. Left out: not spoken.',
  },
);
