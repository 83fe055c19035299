import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '@eve/adapter-process';

/** Packs one program as an image without anything else in it, in the form that `docker load` and `ctr images import` take. */
export async function packProgram(
  program: string,
  { reference, directory, signal }: { reference: string; directory: string; signal: AbortSignal },
): Promise<string> {
  const tar = (...args: string[]) => runProgram({ file: 'tar', args, cwd: directory, signal });
  const plain = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
  await mkdir(join(directory, 'root'), { recursive: true });
  await copyFile(program, join(directory, 'root', 'program'));
  await tar(...plain, '-cf', 'layer.tar', '-C', 'root', 'program');
  const layer = createHash('sha256')
    .update(await readFile(join(directory, 'layer.tar')))
    .digest('hex');
  const config = {
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/program'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  };
  await writeFile(join(directory, 'config.json'), JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: [reference], Layers: ['layer.tar'] }];
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest));
  await tar(...plain, '-cf', 'image.tar', 'config.json', 'layer.tar', 'manifest.json');
  return join(directory, 'image.tar');
}
