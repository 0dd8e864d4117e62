/** A JSON object. */
export type Json = Readonly<Record<string, unknown>>;

/** A video or upload, as far as tests look at it. */
export interface Resource extends Json {
  readonly name: string;
  readonly video?: string;
}

/** An upload that was begun. */
export interface Begun {
  /** Its address. */
  readonly location: string;
  /** `videos/{video}`. */
  readonly video: string;
}

/** The edge as its clients use it. */
export interface Api {
  json(method: string, path: string, body?: unknown): Promise<Json>;
  tus(method: string, location: string, headers?: Record<string, string>, body?: Uint8Array): Promise<Response>;
  createUpload(size: number, metadata: Readonly<Record<string, string>>): Promise<Begun>;
  /** Sends bytes at an offset; answers the new offset. */
  patch(location: string, offset: number, bytes: Uint8Array): Promise<number>;
  offset(location: string): Promise<number>;
  upload(bytes: Uint8Array, metadata: Readonly<Record<string, string>>): Promise<Begun>;
  video(name: string): Promise<Resource>;
  videos(): Promise<Resource[]>;
  uploads(): Promise<Resource[]>;
  /** The address of a video's media. */
  mediaOf(video: string): Promise<string>;
}

export function createApi(url: string): Api {
  const json: Api["json"] = async (method, path, body) => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const answer: unknown = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return asJson(answer);
  };
  const tus: Api["tus"] = (method, location, headers = {}, body) =>
    fetch(location, {
      method,
      headers: { "tus-resumable": "1.0.0", ...headers },
      ...(body ? { body: new Uint8Array(body) } : {}),
    });

  const createUpload: Api["createUpload"] = async (size, metadata) => {
    const pairs = Object.entries(metadata).map(([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`);
    const response = await tus("POST", `${url}/uploads`, {
      "upload-length": String(size),
      "upload-metadata": pairs.join(","),
    });
    if (response.status !== 201) throw new Error(`creation: ${response.status} ${await response.text()}`);
    return { location: `${url}${header(response, "location")}`, video: header(response, "reelmesh-video") };
  };
  const patch: Api["patch"] = async (location, offset, bytes) => {
    const headers = { "upload-offset": String(offset), "content-type": "application/offset+octet-stream" };
    const response = await tus("PATCH", location, headers, bytes);
    if (response.status !== 204) throw new Error(`PATCH: ${response.status} ${await response.text()}`);
    return Number(header(response, "upload-offset"));
  };

  return {
    json,
    tus,
    createUpload,
    patch,
    offset: async (location) => Number(header(await tus("HEAD", location), "upload-offset")),
    async upload(bytes, metadata) {
      const begun = await createUpload(bytes.length, metadata);
      await patch(begun.location, 0, bytes);
      return begun;
    },
    video: async (name) => asResource(await json("GET", `/api/v1/${name}`)),
    videos: async () => list((await json("GET", "/api/v1/videos?pageSize=100")).videos),
    uploads: async () => list((await json("GET", "/api/v1/uploads")).uploads),
    async mediaOf(video) {
      const { path } = await json("GET", `/api/v1/${video}/playback`);
      if (typeof path !== "string") throw new Error("There is no path to play");
      return `${url}${path}`;
    },
  };
}

function header(response: Response, name: string): string {
  const value = response.headers.get(name);
  if (value === null) throw new Error(`The answer lacks ${name}`);
  return value;
}

function asJson(value: unknown): Json {
  if (typeof value !== "object" || value === null) throw new Error("The answer is not an object");
  return Object.fromEntries(Object.entries(value));
}

function asResource(value: unknown): Resource {
  const { name, video, ...rest } = asJson(value);
  if (typeof name !== "string") throw new Error("The answer has no name");
  return { ...rest, name, ...(typeof video === "string" ? { video } : {}) };
}

function list(value: unknown): Resource[] {
  return Array.isArray(value) ? value.map(asResource) : [];
}
