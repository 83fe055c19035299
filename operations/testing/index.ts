export * from './platform.ts';
export * from './sample-project.ts';
export * from './scripted-builder.ts';
export * from './scripted-deployer.ts';
export * from './scripted-registry.ts';
export * from './scripted-router.ts';
export * from './scripted-runner.ts';
export * from './scripted-source.ts';
