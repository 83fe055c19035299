import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import * as contract from './contract/index.ts';

const components = new Set(
  Object.values(contract).flatMap((schema) => {
    const id = schema instanceof z.ZodType ? z.globalRegistry.get(schema)?.id : undefined;
    return id === undefined ? [] : [id, `${id}Input`];
  }),
);

const problem = {
  description: 'What was wrong, where, and what to do (RFC 9457)',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

/** The description of the API, made from the contract. */
export function openApiOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Eve API', version, description: 'Source code to running software in three recorded stages.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => describeErrors(onlyContract(jsonSchemaTransformObject(document))),
  };
}

type Document = ReturnType<typeof jsonSchemaTransformObject>;

/** Other parts of the process name schemas too (the manifest's); they are not part of this API. */
function onlyContract(document: Document): Document {
  if (!('components' in document)) return document;
  const schemas = Object.entries(document.components?.schemas ?? {}).filter(([name]) => components.has(name));
  // Filtering keeps the kind of document, which the types cannot see.
  return { ...document, components: { ...document.components, schemas: Object.fromEntries(schemas) } } as Document;
}

function describeErrors(document: Document): Document {
  for (const path of Object.values(document.paths ?? {})) {
    for (const operation of Object.values(path ?? {})) {
      if (typeof operation === 'object' && operation !== null && 'responses' in operation) {
        Object.assign(operation.responses ?? {}, { default: problem });
      }
    }
  }
  return document;
}
