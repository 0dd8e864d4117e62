import type { Environment } from "@reelmesh/mesh/environment.js";

/** How the services of a deployment hear of each other. */
export type EventsLocation = "in process" | { readonly url: string };

/**
 * How events travel: with `AMQP_URL`, `amqp://user:password@host:port/vhost` or `amqps://`, through RabbitMQ. Without, in
 * process, which a process of one module may not do: nobody else would hear it.
 */
export function readEvents(environment: Environment): EventsLocation {
  const url = environment.optional("AMQP_URL");
  const usable = url !== undefined && /^amqps?:\/\/[^\s/]+/.test(url) && URL.canParse(url);
  // It may hold a password: it is never shown.
  if (url === undefined ? environment.alone : !usable)
    environment.fault("AMQP_URL", undefined, "where RabbitMQ is, amqp://user:password@host:5672");
  return url === undefined ? "in process" : { url };
}
