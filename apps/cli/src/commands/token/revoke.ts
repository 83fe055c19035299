import { command } from '../../command.ts';

export const tokenRevoke = command({
  name: 'token revoke',
  summary: 'revoke an API token at once',
  arguments: ['<token-id>'],

  async run({ api, answer }, _options, [tokenId]) {
    await api.revokeToken(tokenId);
    answer({ revoked: tokenId }, () => [`Token revoked: ${tokenId}`]);
  },
});
