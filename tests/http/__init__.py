"""The edge: refusals, headers, cross-site rule, limits, addresses, paging, streams, health."""  # noqa: A005 - mirrors src
