import { parseDocument } from 'yaml';

/** A value read from YAML 1.2 text, or why it can't be read (with line and column). An empty text is `null`. */
export type YamlResult = { readonly value: unknown; readonly problem?: undefined } | { readonly problem: string };

export function parseYaml(text: string): YamlResult {
  const document = parseDocument(text, { logLevel: 'silent', uniqueKeys: true });
  const first = document.errors[0];
  if (first !== undefined) return { problem: first.message.split('\n')[0] ?? first.code };
  try {
    return { value: document.toJS() };
  } catch (error) {
    // Aliases are resolved only here; too many of them is a defence of the parser against a "billion laughs".
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
