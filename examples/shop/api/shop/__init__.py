"""The products of the shop, over HTTP."""
