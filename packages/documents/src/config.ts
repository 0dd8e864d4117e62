import { join } from "node:path";
import type { Environment } from "@reelmesh/mesh/environment.js";
import { dataFolder } from "@reelmesh/mesh/secret.js";
import type { DocumentsLocation } from "./open.js";

/**
 * Where a service keeps its documents. With `DBHOST`, a MongoDB connection string: in the database `DBNAME`, default the
 * service's name; where several modules share the process, `DBNAME` is a prefix. Without, embedded under
 * `REELMESH_DATA`, which a process of one module may not do: two embedded catalogues would be two truths.
 */
export function readDocuments(environment: Environment, service: string): DocumentsLocation {
  const url = environment.optional("DBHOST");
  const name = environment.optional("DBNAME");
  if (url !== undefined) {
    // The connection string may hold a password: it is never shown.
    if (!/^mongodb(\+srv)?:\/\/\S+$/.test(url))
      environment.fault("DBHOST", undefined, "a MongoDB connection string, mongodb://host:27017");
    if (name !== undefined && !/^[\w-]{1,40}$/.test(name))
      environment.fault("DBNAME", name, "1 to 40 letters, digits, _ or -");
    return { url, database: environment.alone ? (name ?? service) : `${name ?? ""}${service}` };
  }
  if (environment.alone) environment.fault("DBHOST", undefined, "a MongoDB connection string, mongodb://host:27017");
  return { folder: join(dataFolder(environment), service) };
}
