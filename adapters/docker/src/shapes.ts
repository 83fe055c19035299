import { z } from 'zod';

const labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((value) => value ?? {});

const endpoint = z.object({
  IPAddress: z.string().default(''),
  Aliases: z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? []),
  IPAMConfig: z
    .object({ IPv4Address: z.string().optional() })
    .nullish()
    .transform((value) => value ?? {}),
});

const healthcheck = z.object({
  Test: z.array(z.string()).nullish(),
  Interval: z.number().default(0),
  Timeout: z.number().default(0),
  StartPeriod: z.number().default(0),
  Retries: z.number().default(0),
});

/** A container as the engine reports it: the part that is used here. */
export const Container = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: z.string(),
  Image: z.string(),
  RestartCount: z.number(),
  State: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    Error: z.string().default(''),
    StartedAt: z.string(),
    FinishedAt: z.string(),
    Health: z.object({ Status: z.string() }).nullish(),
  }),
  Config: z.object({ Labels: labels, Image: z.string(), Healthcheck: healthcheck.nullish() }),
  HostConfig: z.object({
    PortBindings: z
      .record(z.string(), z.array(z.object({ HostIp: z.string().default(''), HostPort: z.string() })).nullable())
      .nullish()
      .transform((value) => value ?? {}),
  }),
  NetworkSettings: z.object({ Networks: z.record(z.string(), endpoint) }),
});
export type Container = z.infer<typeof Container>;

/** A container as it stands in a list. */
export const ContainerSummary = z.object({
  Id: z.string(),
  Names: z.array(z.string()),
  ImageID: z.string(),
  /** Seconds of the epoch. */
  Created: z.number(),
  State: z.string(),
  Labels: labels,
});
export type ContainerSummary = z.infer<typeof ContainerSummary>;

/** An image of the local engine. */
export const Image = z.object({
  Id: z.string(),
  RepoDigests: z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? []),
  RepoTags: z
    .array(z.string())
    .nullish()
    .transform((value) => value ?? []),
  Size: z.number(),
  Config: z
    .object({ Healthcheck: healthcheck.nullish(), Labels: z.record(z.string(), z.string()).nullish() })
    .nullish(),
});
export type Image = z.infer<typeof Image>;

/** An image as it stands in a list. */
export const ImageSummary = Image.pick({ Id: true, RepoDigests: true, RepoTags: true, Size: true }).extend({
  /** Seconds of the epoch. */
  Created: z.number(),
});
export type ImageSummary = z.infer<typeof ImageSummary>;

/** A network with its subnets. */
export const Network = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: z.string(),
  Labels: labels,
  IPAM: z.object({
    Config: z
      .array(z.object({ Subnet: z.string().optional() }))
      .nullish()
      .transform((value) => value ?? []),
  }),
});
export type Network = z.infer<typeof Network>;

/** A named volume. */
export const Volume = z.object({
  Name: z.string(),
  Labels: labels,
  CreatedAt: z.string().default(''),
  UsageData: z.object({ Size: z.number() }).nullish(),
});
export type Volume = z.infer<typeof Volume>;

/** What the engine tells of itself. */
export const Version = z.object({ Version: z.string(), ApiVersion: z.string(), Os: z.string(), Arch: z.string() });
export type Version = z.infer<typeof Version>;
