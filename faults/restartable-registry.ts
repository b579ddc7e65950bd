import type { OnLog } from '../deploy/local/progress.ts';
import { type LocalRegistry, startRegistry } from '../deploy/local/registry.ts';

/** A schema registry that can be down for a while: same port, same schemas, same ids when it is back. */
export class RestartableRegistry {
  readonly url: string;
  readonly #dir: string;
  readonly #port: number;
  #server: LocalRegistry | undefined;

  private constructor(server: LocalRegistry, dir: string) {
    this.url = server.url;
    this.#port = server.port;
    this.#dir = dir;
    this.#server = server;
  }

  /** @param dir keeps its schemas */
  static async start(dir: string, onLog: OnLog): Promise<RestartableRegistry> {
    return new RestartableRegistry(await startRegistry({ dir, onLog }), dir);
  }

  get running(): boolean {
    return this.#server !== undefined;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.close();
  }

  /** Does nothing when it runs. */
  async startAgain(): Promise<void> {
    this.#server ??= await startRegistry({ dir: this.#dir, port: this.#port });
  }
}
