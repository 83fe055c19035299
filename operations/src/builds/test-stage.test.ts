import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dockerfileStages } from './dockerfile-stages.ts';
import { testStage } from './test-stage.ts';

const command = (text: string) => ({ shell: true, command: [text] });

function stageNames(text: string): (string | null)[] {
  return dockerfileStages(text).map(({ name }) => name);
}

describe('the stages of a Dockerfile', () => {
  it('are its FROM lines, with or without a name, in any case and with flags', () => {
    const text = 'ARG V=1\nfrom --platform=$BUILDPLATFORM node:$V as Deps\nRUN x\nFROM scratch\n';

    assert.deepEqual(stageNames(text), ['deps', null]);
  });

  it('are found across continued lines with comments and empty lines in them', () => {
    const text = '# a comment\nFROM node \\\n  # why\n\n  AS deps\nRUN echo \\\n FROM nothing AS none\nFROM deps\n';

    assert.deepEqual(stageNames(text), ['deps', null]);
  });

  it('are found at once whatever the length of a directive', () => {
    const began = performance.now();

    assert.equal(dockerfileStages(`# a = b${' '.repeat(400_000)}c\nFROM a\n`).length, 1);

    assert.ok(performance.now() - began < 2_000);
  });

  it('heed the escape directive, and only at the top', () => {
    const windows = '# syntax=docker/dockerfile:1\n# escape=`\nFROM a `\n AS one\nRUN dir c:\\\nFROM b AS two\n';
    const late = 'FROM a AS one\n# escape=`\nRUN x \\\n  FROM y\nFROM b AS two\n';

    assert.deepEqual(stageNames(windows), ['one', 'two']);
    assert.deepEqual(stageNames(late), ['one', 'two']);
  });

  it('are not what a here-document says', () => {
    const text =
      'FROM a AS one\nRUN <<EOF\nFROM no AS no\nEOF\nCOPY <<-"X" <<Y /d/\n\tFROM no\n\tX\nFROM no\nY\nFROM b AS two\n';

    assert.deepEqual(stageNames(text), ['one', 'two']);
  });

  it('survive Windows line ends and a byte order mark', () => {
    assert.deepEqual(stageNames('\uFEFFFROM a AS one\r\nRUN x \\\r\n y\r\nFROM b AS two\r\n'), ['one', 'two']);
  });
});

describe('the stage that tests an image', () => {
  it('stands on the last stage, which gets a name when it has none', () => {
    const stage = testStage('FROM node AS deps\nFROM \\\n  nginx\nCOPY . .', null, command('npm test'));

    assert.deepEqual(stage, {
      dockerfileText:
        'FROM node AS deps\nFROM   nginx AS eve-image\nCOPY . .\nFROM eve-image AS eve-test\nRUN npm test\n',
      ...{ target: 'eve-test', stage: 'eve-test', named: { name: 'eve-image', shown: 'stage-1' } },
    });
  });

  it('stands on the stage that the service builds, with names that nobody has', () => {
    const text = 'FROM a AS eve-test\nFROM b AS other\n';

    const stage = testStage(text, 'EVE-TEST', { shell: false, command: ['go', 'test', './...'] });

    assert.match(stage?.dockerfileText ?? '', /\nFROM eve-test AS eve-test-2\nRUN \["go","test","\.\/\.\.\."\]\n$/);
    assert.equal(stage?.target, 'eve-test-2');
  });

  it('runs a command that the Dockerfile would read otherwise as a program with arguments', () => {
    for (const text of ['a\nb', 'cat <<EOF', 'ends with \\', '["a"]', '--mount=type=bind true']) {
      const stage = testStage('FROM a AS x\n', null, command(text));

      assert.ok(stage?.dockerfileText?.endsWith(`\nRUN ${JSON.stringify(['/bin/sh', '-c', text])}\n`), text);
    }
  });

  it('is the one that the test names, and none when there is no such stage', () => {
    const text = 'FROM a AS unit\nFROM b\n';

    assert.deepEqual(testStage(text, null, { target: 'Unit' }), {
      ...{ dockerfileText: null, target: 'Unit', stage: 'unit', named: null },
    });
    assert.equal(testStage(text, null, { target: '1' })?.stage, 'stage-1');
    assert.equal(testStage(text, null, { target: 'missing' }), null);
    assert.equal(testStage(text, 'missing', command('x')), null);
  });
});
