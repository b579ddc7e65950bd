import { createServer } from 'node:net';
import { LocalServerError } from './progress.ts';

/**
 * Free ports are picked below the range from which the operating system takes the near ends of outgoing connections
 * (32768 and up on Linux): a broker that is restarted on its port must not find a load generator's socket there.
 */
const LOWEST_PORT = 21_000;
const HIGHEST_PORT = 31_999;

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** `count` different ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = LOWEST_PORT + Math.floor(Math.random() * (HIGHEST_PORT - LOWEST_PORT + 1));
    if (!ports.has(port) && (await isFree(port))) {
      ports.add(port);
    }
  }
  return [...ports];
}

/**
 * Checks that nothing listens on `port` of 127.0.0.1.
 *
 * @param purpose what the port is wanted for, as it should read in the message
 * @throws {LocalServerError} `port_taken`, naming the port, its purpose and what to do
 */
export async function assertPortFree(port: number, purpose: string): Promise<void> {
  if (!(await isFree(port))) {
    throw portTaken(port, purpose);
  }
}

/** The error for a port that somebody else listens on. */
export function portTaken(port: number, purpose: string): LocalServerError {
  return new LocalServerError(
    'port_taken',
    `port ${port} on 127.0.0.1, wanted for ${purpose}, is already in use: end the program that listens there, or choose another port`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(false) : reject(error),
    );
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
