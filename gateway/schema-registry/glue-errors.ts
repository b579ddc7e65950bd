import { GlueServiceException } from '@aws-sdk/client-glue';
import { SchemaRegistryError, type SchemaRegistryErrorCode } from './registry-error.ts';

/** What AWS calls its refusals; everything else is told by its status. */
const codes: Readonly<Record<string, SchemaRegistryErrorCode>> = {
  EntityNotFoundException: 'schema_not_found',
  InvalidInputException: 'schema_invalid',
  AlreadyExistsException: 'schema_incompatible',
  AccessDeniedException: 'registry_refused',
  UnrecognizedClientException: 'registry_refused',
  ExpiredTokenException: 'registry_refused',
  InvalidSignatureException: 'registry_refused',
  ConcurrentModificationException: 'registry_unavailable',
  ThrottlingException: 'registry_unavailable',
  ResourceNumberLimitExceededException: 'registry_refused',
};

/** Before the service was asked: credentials that nobody has. */
const withoutCredentials = 'CredentialsProviderError';

/** The class of what the SDK threw. Total: whatever did not come from the service did not reach it. */
export function asRegistryError(error: unknown, what: string, timeoutMs: number): SchemaRegistryError {
  if (error instanceof SchemaRegistryError) return error;
  const status = statusOf(error);
  if (error instanceof GlueServiceException || (error instanceof Error && status >= 400)) {
    const code =
      codes[error.name] ?? (status >= 500 || status === 429 ? 'registry_unavailable' : 'unexpected_response');
    return new SchemaRegistryError(code, `${what}: ${error.name}: ${error.message}`, error);
  }
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === withoutCredentials) {
    const remedy = "give the gateway credentials by one of the ways of AWS's default chain";
    return new SchemaRegistryError('registry_refused', `${what}: ${message}; ${remedy}`, error);
  }
  const words = name === 'TimeoutError' || name === 'AbortError' ? `no answer within ${timeoutMs} ms` : message;
  return new SchemaRegistryError('registry_unreachable', `${what}: ${words}`, error);
}

/** Also of an answer that the SDK could not read: the page of a proxy. 0: there was none. */
function statusOf(error: unknown): number {
  const { $metadata } = (error ?? {}) as { $metadata?: { httpStatusCode?: number } };
  return $metadata?.httpStatusCode ?? 0;
}
