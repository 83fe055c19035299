/** What a service's host name is made of. */
export interface ServiceOwner {
  readonly service: string;
  readonly environment: string;
  readonly project: string;
  /** Left out for the first organisation of an installation. */
  readonly organisation: string | null;
}

/** One DNS label, `<service>--<env>--<project>[--<org>]`; shortened at the service's end to fit 63 characters. */
export function serviceLabel({ service, environment, project, organisation }: ServiceOwner): string {
  const rest = ['', environment, project, ...(organisation ? [organisation] : [])].join('--');
  return (
    service
      .toLowerCase()
      .replace(/[^a-z0-9-]/g, '-')
      .slice(0, 63 - rest.length)
      .replace(/-+$/, '') + rest
  );
}
