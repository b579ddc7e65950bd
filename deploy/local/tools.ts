import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { classArchiveFlags, classArchivePath } from './class-archive.ts';
import { findJava } from './java.ts';
import { fetchServerJars } from './maven.ts';
import { LocalServerError, type OnLog } from './progress.ts';

export interface KafkaToolOptions {
  /** Written to the tool's standard input, which is then closed. */
  readonly stdin?: string;
  /** The tool is killed after this time; 60,000 by default. */
  readonly timeoutMs?: number;
  readonly onLog?: OnLog;
}

/** What a tool printed. */
export interface KafkaToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one of Kafka's own Java tools to its end, e.g. `org.apache.kafka.tools.TopicCommand`.
 *
 * @param mainClass the tool's class with its package
 * @param args what the shell script of the same tool would take
 * @throws {LocalServerError} `tool_failed` with what the tool said, when its exit code is not 0 or it took too long
 */
export async function kafkaTool(
  mainClass: string,
  args: readonly string[],
  options: KafkaToolOptions = {},
): Promise<KafkaToolOutput> {
  const [java, jars] = await Promise.all([findJava(), fetchServerJars(options.onLog)]);
  const archive = await classArchivePath(java, jars.kafkaClassPath);
  const command = [...classArchiveFlags(archive), ...TOOL_FLAGS, '-cp', jars.kafkaClassPath, mainClass, ...args];
  const timeout = options.timeoutMs ?? 60_000;
  return new Promise((resolve, reject) => {
    const settings = { timeout, killSignal: 'SIGKILL', maxBuffer: 256 * 1024 * 1024 } as const;
    const child = execFile(java, command, settings, (error, stdout, stderr) => {
      if (error === null) {
        resolve({ stdout, stderr });
        return;
      }
      const how = error.killed ? `was killed after ${timeout} ms` : `ended with exit code ${error.code}`;
      const said = `${stdout}\n${stderr}`.trim().slice(-2000);
      reject(new LocalServerError('tool_failed', `${mainClass} ${how}:\n${said}`, { cause: error }));
    });
    // A tool that ends before it has read its input breaks the pipe; its exit code tells what happened.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.stdin ?? '');
  });
}

/** For a JVM that lives a second: no optimising compiler, no parallel collector, a small heap. */
const TOOL_FLAGS = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-Djava.awt.headless=true',
  `-Dlog4j2.configurationFile=${join(import.meta.dirname, 'log4j2-tool.properties')}`,
];
