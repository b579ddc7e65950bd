import { runKafkaCommand } from './kafka-command.ts';

process.exitCode = await runKafkaCommand(process.argv.slice(2));
