import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { javaVersionText } from './java.ts';

/*
 * A class-data archive holds Kafka's classes as a Java machine has parsed and checked them. With it a broker needs half
 * the processor time until it is ready: the difference between a restart that a test waits for and one that it does not
 * notice, when three of them share two cores with everything else.
 */

/** Where the archive of these jars for this Java machine lies, if it has been made; any other machine would not take it. */
export async function classArchivePath(java: string, kafkaClassPath: string): Promise<string> {
  const hash = createHash('sha256').update(await javaVersionText(java));
  return join(dirname(dirname(kafkaClassPath)), `kafka-classes-${hash.digest('hex').slice(0, 16)}.jsa`);
}

/** What makes a Java machine use the archive; nothing where there is none. One that does not fit is passed over in silence. */
export function classArchiveFlags(archive: string): string[] {
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, ...SILENT] : [];
}

/** Its warnings go to standard output, where those who run a tool look for the tool's answer. */
export const SILENT = ['-Xlog:cds=off', '-Xlog:cds+dynamic=off', '-Xlog:class+path=off'];
