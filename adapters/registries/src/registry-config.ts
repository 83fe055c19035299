/** What a registry is told when it starts. */
export interface RegistryConfigOptions {
  /** Where images are kept. */
  readonly storageDir: string;
  /** The address it listens on. */
  readonly address: string;
  /** Where clients get tokens, as they reach it: `http://127.0.0.1:4600/registry/token`. */
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  readonly certificateFile: string;
  /** Signs states of uploads, so that they survive a restart. */
  readonly uploadSecret: string;
  /** Refuses every push. */
  readonly readOnly?: boolean;
}

/** The configuration of CNCF distribution 2.8 or 3; JSON strings are YAML too. */
export function registryConfig(options: RegistryConfigOptions): string {
  const text = (value: string) => JSON.stringify(value);
  return `version: 0.1
log:
  level: error
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: ${text(options.storageDir)}
  delete:
    enabled: true
  cache:
    blobdescriptor: inmemory
${options.readOnly ? '  maintenance:\n    readonly:\n      enabled: true\n' : ''}http:
  addr: ${text(options.address)}
  secret: ${text(options.uploadSecret)}
  draintimeout: 10s
  headers:
    X-Content-Type-Options: [nosniff]
auth:
  token:
    realm: ${text(options.realm)}
    service: ${text(options.service)}
    issuer: ${text(options.issuer)}
    rootcertbundle: ${text(options.certificateFile)}
`;
}
