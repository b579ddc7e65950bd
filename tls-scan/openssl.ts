import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

export interface ScanTarget {
  readonly host: string;
  readonly port: number;
  readonly serverName?: string | undefined;
  /** Shown where the server asks for one. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

const deadlineMs = 15_000;

/** The settings of the system must not decide what is offered. */
const env = { ...process.env, OPENSSL_CONF: '/dev/null' };

/** OpenSSL's own client: an implementation that has nothing to do with the server's process. */
export class OpenSsl {
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  /** What it says it is; undefined where there is none. */
  async version(): Promise<string | undefined> {
    try {
      return (await promisify(execFile)(this.#program, ['version'], { env })).stdout.trim();
    } catch {
      return undefined;
    }
  }

  /** Every suite that it can offer for TLS 1.2 and before, the bad ones above all. */
  async suites(): Promise<readonly string[]> {
    const all = ['ciphers', '-s', '-tls1_2', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'];
    const { stdout } = await promisify(execFile)(this.#program, all, { env });
    return stdout.trim().split(':');
  }

  /**
   * One handshake. Resolves with everything that `s_client` says, whether it succeeds or not.
   *
   * @param command typed in when the handshake is done, and the end of the input behind it where it is left out.
   */
  connect(target: ScanTarget, args: readonly string[], command?: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const client = spawn(this.#program, ['s_client', ...addressOf(target), ...args], {
        env,
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      let output = '';
      const late = setTimeout(() => client.kill('SIGKILL'), deadlineMs);
      const take = (text: string): void => {
        output += text;
        if (command === undefined || !output.includes('Verify return code')) return;
        client.stdin.write(command);
        command = undefined;
      };
      client.stdout.setEncoding('utf8').on('data', take);
      client.stderr.setEncoding('utf8').on('data', take);
      // It may have ended before it reads anything.
      client.stdin.on('error', () => undefined);
      if (command === undefined) client.stdin.end();
      client.once('error', reject);
      client.once('close', () => {
        clearTimeout(late);
        resolve(output);
      });
    });
  }
}

function addressOf({ host, port, serverName, certFile, keyFile }: ScanTarget): string[] {
  return [
    '-connect',
    `${host}:${port}`,
    ...(serverName === undefined ? ['-noservername'] : ['-servername', serverName]),
    ...(certFile === undefined ? [] : ['-cert', certFile]),
    ...(keyFile === undefined ? [] : ['-key', keyFile]),
  ];
}

/** The suite that was agreed on; undefined: the handshake failed. */
export const suiteOf = (output: string): string | undefined =>
  /^New, (?:SSLv|TLSv)[\d.]+, Cipher is (\S+)$/m.exec(output)?.[1];

/** The client itself would not offer it: then its failure says nothing about the server. */
export const isNotOffered = (output: string): boolean =>
  /no protocols available|no ciphers available|no cipher match|Unknown option|unsupported protocol|Call with unknown/i.test(
    output,
  ) && !/alert (protocol version|handshake failure)/i.test(output);
