import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { localEnvironment } from './environment.ts';
import { LocalServerError } from './progress.ts';

const OLDEST_JAVA = 17;
const HOW_TO_GET = `install a Java runtime ${OLDEST_JAVA} or newer (Debian and Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk) and put java on the PATH, or set JAVA_HOME`;

/**
 * The command that runs Java: that of JAVA_HOME if set, else the one on the PATH.
 *
 * @throws {LocalServerError} `no_java` or `java_too_old`, saying how to get one
 */
export async function findJava(): Promise<string> {
  const { javaHome } = localEnvironment();
  const command = javaHome === undefined ? 'java' : join(javaHome, 'bin', 'java');
  const version = await javaVersionText(command);
  const major = javaMajorVersion(version);
  if (major === undefined || major < OLDEST_JAVA) {
    const found = major === undefined ? 'a version that could not be read' : `Java ${major}`;
    throw new LocalServerError('java_too_old', `${command} is ${found}, Kafka needs ${OLDEST_JAVA}: ${HOW_TO_GET}`);
  }
  return command;
}

/** The major version in what `java -version` prints: 17 in `openjdk version "17.0.15"`, 8 in `java version "1.8.0_312"`. */
export function javaMajorVersion(versionText: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(versionText);
  return match === null ? undefined : Number(match[1]);
}

/** Asked once: it starts a Java machine each time. */
const versionTexts = new Map<string, string>();

/**
 * All that `java -version` prints: it tells one build of a Java machine from another.
 *
 * @throws {LocalServerError} `no_java` when the command can't be run
 */
export async function javaVersionText(command: string): Promise<string> {
  const known = versionTexts.get(command);
  if (known !== undefined) {
    return known;
  }
  try {
    const { stdout, stderr } = await promisify(execFile)(command, ['-version'], { timeout: 30_000 });
    versionTexts.set(command, `${stderr}${stdout}`);
    return `${stderr}${stdout}`;
  } catch (cause) {
    throw new LocalServerError('no_java', `no Java: ${command} could not be run: ${HOW_TO_GET}`, { cause });
  }
}
