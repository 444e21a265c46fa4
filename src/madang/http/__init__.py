"""The edge: problems, the caller, units of work, limits, headers; the only room besides routers that speaks HTTP."""
