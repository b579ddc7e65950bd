import { once } from 'node:events';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { waitFor } from '../support/wait-for.ts';

/** What a Node process keeps, in bytes: `heapUsed` in JavaScript, `external` in buffers, `rss` of the system's pages. */
export interface KeptMemory {
  readonly heapUsed: number;
  readonly external: number;
  readonly rss: number;
}

/** A collection may leave what only the next one finds unreachable. */
const collections = 3;

/** To be given to a gateway whose memory is looked at. */
export const inspectorArgv = ['--inspect=127.0.0.1:0'];

/** Looks into the memory of a gateway through its inspector: behind garbage collections, so that what is left is kept. */
export async function keptMemory(gateway: GatewayProcess): Promise<KeptMemory> {
  const url = await waitFor(() => inspectorUrl(gateway), { deadlineMs: 10_000, what: 'the inspector' });
  const socket = new WebSocket(url);
  await once(socket, 'open');
  try {
    for (let time = 0; time < collections; time += 1) await ask(socket, 'HeapProfiler.collectGarbage');
    const expression = 'JSON.stringify(process.memoryUsage())';
    const answer = await ask(socket, 'Runtime.evaluate', { expression, returnByValue: true });
    return JSON.parse((answer as { result: { result: { value: string } } }).result.result.value) as KeptMemory;
  } finally {
    socket.close();
  }
}

function inspectorUrl(gateway: GatewayProcess): string | undefined {
  for (const { text } of gateway.log) {
    const [, url] = /Debugger listening on (ws:\/\/\S+)/.exec(String(text)) ?? [];
    if (url !== undefined) return url;
  }
  return undefined;
}

async function ask(socket: WebSocket, method: string, params: object = {}): Promise<unknown> {
  const answered = once(socket, 'message');
  socket.send(JSON.stringify({ id: 1, method, params }));
  const [{ data }] = (await answered) as [{ data: string }];
  return JSON.parse(data);
}
