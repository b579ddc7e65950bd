import type { GatewayConfig } from './config/schema.ts';
import type { ListenerOptions } from './mqtt/context.ts';
import type { TransportObserver } from './mqtt/transport-observer.ts';

type Listener = GatewayConfig['listeners'][number];

/** What is spoken around MQTT on a listener, as the MQTT edge takes it: WebSocket, and headers of a load balancer. */
export const transportOf = (
  { transport, webSocket, proxyProtocol }: Listener,
  observer: TransportObserver,
): Pick<ListenerOptions, 'webSocket' | 'proxyProtocol'> => ({
  ...(transport === 'websocket' ? { webSocket: { ...webSocket, observer } } : {}),
  ...(proxyProtocol === undefined ? {} : { proxyProtocol: { ...proxyProtocol, observer } }),
});
