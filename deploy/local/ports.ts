import { createServer } from 'node:net';

/** Says which port is taken and what to do about it. */
export class PortTakenError extends Error {
  readonly code = 'port_taken';
  readonly port: number;

  constructor(port: number, purpose: string) {
    super(
      `port ${port} on 127.0.0.1, wanted for ${purpose}, is already in use: end the program that listens there, or choose another port`,
    );
    this.name = 'PortTakenError';
    this.port = port;
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** `count` different free ports: all are held open until the last is known, so that none is handed out twice. */
export async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = probes.map((probe) => probe.port);
  await Promise.all(probes.map((probe) => probe.close()));
  return ports;
}

/**
 * Checks that nothing listens on `port` of 127.0.0.1.
 *
 * @throws {PortTakenError} naming the port and its purpose
 */
export async function assertPortFree(port: number, purpose: string): Promise<void> {
  try {
    const probe = await listen(port);
    await probe.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new PortTakenError(port, purpose);
    }
    throw error;
  }
}

function listen(port: number): Promise<{ port: number; close(): Promise<void> }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ port: bound, close: () => new Promise((done) => server.close(() => done())) });
    });
  });
}
