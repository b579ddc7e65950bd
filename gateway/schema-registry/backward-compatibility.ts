import avsc from 'avsc';

/**
 * Why a reader with the new schema could not read what was written with the old one (Avro 1.11, Schema Resolution);
 * undefined when it can. Asked here as well as of the registry, because a registry checks only where somebody has set a
 * compatibility level: Apicurio's default is NONE.
 */
export function backwardIncompatibility(newDefinition: string, oldDefinition: string): string | undefined {
  try {
    parse(newDefinition).createResolver(parse(oldDefinition));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Without a registry of names, so that the two schemas may use the same ones. */
function parse(definition: string): avsc.Type {
  return avsc.Type.forSchema(JSON.parse(definition), { wrapUnions: false, registry: {} });
}
