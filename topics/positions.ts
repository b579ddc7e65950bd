import { type Document, isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';

/** Keys from the root of a file down to what is meant. */
export type Path = readonly string[];

/** Where something stands; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** YAML text that still knows where everything stood. */
export interface ParsedYaml {
  readonly value: unknown;
  /** Where the text is no YAML. */
  readonly problems: readonly { readonly at: Position; readonly message: string }[];
  /** Where the value of a path stands, or its key; where that does not exist, what is nearest above it. */
  readonly positionOf: (path: Path, part: 'key' | 'value') => Position;
}

export function parseWithPositions(text: string): ParsedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent', uniqueKeys: true });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems = document.errors.map((error) => ({
    at: at(error.pos[0]),
    message: error.message.split(' at line ')[0]?.split('\n')[0] ?? error.code,
  }));
  const read = problems.length > 0 ? { value: undefined, problems } : readValue(document);
  return { ...read, positionOf: (path, part) => at(offsetOf(document, path, part)) };
}

function readValue(document: Document.Parsed): Pick<ParsedYaml, 'value' | 'problems'> {
  try {
    return { value: document.toJS(), problems: [] };
  } catch (error) {
    // Aliases are resolved only here; too many of them is a defence of the parser against a "billion laughs".
    const message = error instanceof Error ? error.message : String(error);
    return { value: undefined, problems: [{ at: { line: 1, column: 1 }, message }] };
  }
}

function offsetOf(document: Document.Parsed, path: Path, part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
    if (pair === undefined) break;
    const wantsKey = part === 'key' && depth === path.length - 1;
    offset = (wantsKey ? undefined : startOf(pair.value)) ?? startOf(pair.key) ?? offset;
    node = pair.value;
  }
  return offset;
}

/** Undefined for a key without a value. */
const startOf = (node: unknown): number | undefined => (node as Node | null)?.range?.[0];
