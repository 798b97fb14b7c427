/**
 * Whether simulated clusters have state directories and a book, so that primaries move: then faults are planned that only
 * such a cluster survives, and what only happens there must happen. The one place to switch that on.
 */
export const isDynamic: boolean = true;
