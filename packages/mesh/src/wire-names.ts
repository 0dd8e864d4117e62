/** The metadata that the mesh's calls carry. */
export const AUTHORIZATION = "authorization";
/** The calling service's token. */
export const CALLER = "reelmesh-caller";
/** The request's id, from the edge on. */
export const REQUEST_ID = "reelmesh-request-id";
/** Where the call stands in its trace (W3C Trace Context). */
export const TRACEPARENT = "traceparent";
export const TRACESTATE = "tracestate";
/** How much the call matters: a Criticality. */
export const CRITICALITY = "reelmesh-criticality";
