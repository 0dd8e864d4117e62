/** The name that grpc-js knows our balancer by. */
export const BALANCER = "reelmesh_least_load";

/**
 * Metadata for the picker alone, which takes it off before the call leaves: the backend, as host:port, that a further
 * attempt is to stay away from where there is another.
 */
export const AVOID_BACKEND = "reelmesh-avoid-backend";
