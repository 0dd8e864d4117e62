import { DomainError } from "@reelmesh/mesh/errors.js";
import compression from "compression";
import express, { type RequestHandler, type Router } from "express";
import { sep } from "node:path";
import { EdgeError } from "./problem.js";

const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

/**
 * Serves the web application out of its build folder: files under `assets/`, whose names change with their content,
 * for a year; everything else to be asked for again each time. A path that is no file and has no extension is one of
 * the application's pages, which `index.html` shows.
 */
export function createPages(folder: string): Router {
  const pages = express.Router({ caseSensitive: true, strict: true });
  pages.use(refuseWrites);
  // Of the pages alone: what the API answers may hold a secret beside something a stranger chose (the BREACH attack).
  pages.use(compression());
  pages.use(
    express.static(folder, {
      index: false,
      redirect: false,
      setHeaders(response, file) {
        const isAsset = file.slice(folder.length).startsWith(`${sep}assets${sep}`);
        response.setHeader("cache-control", isAsset ? `public, max-age=${YEAR_MS / 1000}, immutable` : "no-cache");
      },
    }),
  );
  pages.use((request, response, next) => {
    if (!isPage(request.path)) throw new DomainError("RESOURCE_NOT_FOUND", { resource: request.path });
    const options = {
      root: folder,
      cacheControl: false,
      headers: { "cache-control": "no-cache" },
      acceptRanges: false,
    };
    response.sendFile("index.html", options, (error?: Error) => {
      // A viewer who left is no error.
      if (error && !response.destroyed) next(errorOfSend(error, request.path));
    });
  });
  return pages;
}

const refuseWrites: RequestHandler = ({ method }, _response, next) => {
  if (method !== "GET" && method !== "HEAD") throw new EdgeError("METHOD_NOT_ALLOWED", { allow: "GET, HEAD" });
  next();
};

/** Names of pages have neither an extension nor anything that a file's name could not. */
function isPage(path: string): boolean {
  return /^(?:\/(?:[\w~:@!$&'()*+,;=-]|%[2-7][0-9a-f]|%[c-f][0-9a-f]%[89ab][0-9a-f]|%[89ab][0-9a-f])*)+$/i.test(path);
}

function errorOfSend(error: Error, path: string): Error {
  const status = "status" in error ? error.status : undefined;
  if (status === 412) return new EdgeError("PRECONDITION_FAILED");
  return status === 404 ? new DomainError("RESOURCE_NOT_FOUND", { resource: path }) : error;
}
