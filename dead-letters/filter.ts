import { type Command, InvalidArgumentError, Option } from 'commander';
import { timeAt } from '../command-line/times.ts';
import { rejectionReasons } from '../gateway/core/outcome.ts';
import { RouteError } from '../gateway/core/route.ts';
import { TopicPattern } from '../gateway/core/topic-pattern.ts';
import type { Letter } from './letter.ts';

/** Which letters a command is about; all of what is given must hold. */
export interface LetterFilter {
  readonly reason?: string;
  readonly device?: string;
  readonly subject?: string;
  readonly topic?: TopicPattern;
  readonly from?: number;
  readonly to?: number;
}

/** Adds the options of a filter. */
export function withFilter(command: Command, nowMs: number): Command {
  const time = timeAt(nowMs);
  return command
    .addOption(new Option('--reason <reason>', 'rejected for this reason').choices([...rejectionReasons]))
    .option('--device <id>', 'sent by this device')
    .option('--subject <id>', 'of this vehicle or bay')
    .option(
      '--topic <topic>',
      'published to this MQTT topic, or those of this pattern: v1/vehicles/{vehicleId}/telemetry',
      pattern,
    )
    .option('--from <time>', 'received from here on: RFC 3339, or so long ago: 90m, 2h, 3d', time)
    .option('--to <time>', 'received before this', time);
}

function pattern(text: string): TopicPattern {
  try {
    return new TopicPattern(text);
  } catch (error) {
    if (error instanceof RouteError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

export function matches(letter: Letter, filter: LetterFilter): boolean {
  const { reason, device, subject, topic, from, to } = filter;
  if (reason !== undefined && letter.reason !== reason) return false;
  if (device !== undefined && letter.identity.deviceId !== device) return false;
  if (subject !== undefined && letter.subject !== subject && letter.identity.boundTo !== subject) return false;
  if (topic !== undefined && topic.match(letter.mqttTopic) === undefined) return false;
  if (from !== undefined && letter.receivedAtMs < from) return false;
  return to === undefined || letter.receivedAtMs < to;
}
