import { page } from './markdown.ts';
import {
  contents,
  eventsSection,
  headersSection,
  messagesSection,
  reasonsSection,
  schemasSection,
  topicsSection,
} from './sections.ts';
import { readSources, type Sources } from './sources.ts';

const introduction = `Generated from routes, schemas, \`proto/\`, \`schemas/topics.yaml\` and the gateway's own tables by \`npm run docs\`; not to
be edited. It shows a gateway with default settings and with alerts and connectivity events switched on; your operator's settings
may name other topics and routes. How to live with it (order, duplicates, late events) is in [contracts.md](contracts.md).`;

/** The reference of topics, events, headers, schemas and reasons as Markdown. */
export function eventReference(sources: Sources = readSources()): string {
  const sections = [
    topicsSection(sources.topics, sources.kinds, sources.written),
    eventsSection(sources.kinds, sources.recordNames),
    headersSection(),
    schemasSection(sources.schemas),
    reasonsSection(),
    messagesSection(sources.protos),
  ].map((section) => section.trimEnd());
  return page('# Reference: topics, events, headers, schemas', introduction, contents(sections), ...sections);
}
