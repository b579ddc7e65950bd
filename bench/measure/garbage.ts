import { once } from 'node:events';

const collected = 1;

/**
 * Has a Node process collect its garbage, through the inspector that it was started with (`--inspect`). Resolves when
 * the collection is done.
 */
export const collectGarbage = async (inspectorUrl: string): Promise<void> => {
  const socket = new WebSocket(inspectorUrl);
  try {
    await once(socket, 'open');
    socket.send(JSON.stringify({ id: collected, method: 'HeapProfiler.collectGarbage' }));
    await once(socket, 'message');
  } finally {
    socket.close();
  }
};
