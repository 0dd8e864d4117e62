import { ServerCredentials, credentials, experimental, type ChannelCredentials } from "@grpc/grpc-js";
import type { Logger } from "pino";
import { readMaterial, type TlsFiles, type TlsMaterial } from "./files.js";
import { servicesNamed } from "./spiffe.js";

/** How often the files are read again unless told otherwise. */
export const REFRESH_MS = 5_000;

/** The identity of a process: what it proves to others, and how it knows them. */
export interface Identities {
  readonly secure: boolean;
  server(): ServerCredentials;
  /** Credentials for calls to one service, whose certificate must name it. */
  channel(service: string): ChannelCredentials;
  stop(): void;
}

/** No identity but tokens. */
export const PLAINTEXT: Identities = {
  secure: false,
  server: () => ServerCredentials.createInsecure(),
  channel: () => credentials.createInsecure(),
  stop: () => undefined,
};

/**
 * Mutual TLS by files, which are read again as they change, for new connections to use. What cannot be used is logged
 * and the last good material kept. The files are read rather than watched: a Kubernetes Secret changes by a link far
 * above them.
 *
 * @throws Error when the files cannot be used to begin with.
 */
export function openIdentities(files: TlsFiles, log: Logger, refreshMs = REFRESH_MS): Identities {
  let material = firstMaterial(files);
  let faulty = false;
  const listeners = new Set<(material: TlsMaterial) => void>();
  const refresh = () => {
    try {
      const read = readMaterial(files, material);
      faulty = false;
      if (read === material) return;
      material = read;
      for (const listener of listeners) listener(material);
      log.info({ certificate: files.certificate }, "new certificates are in use");
    } catch (error) {
      if (!faulty) log.warn({ err: error }, "the certificates cannot be used: the last good ones stay");
      faulty = true;
    }
  };
  const timer = setInterval(refresh, refreshMs).unref();
  const provider = createProvider(() => material, listeners);
  return {
    secure: true,
    server() {
      const server = new MutualTls(material);
      listeners.add((fresh) => {
        server.renew(fresh);
      });
      return server;
    },
    channel: (service) =>
      experimental.createCertificateProviderChannelCredentials(provider, provider, {
        checkServerIdentity: (_host, { subjectaltname }) =>
          servicesNamed(subjectaltname).includes(service)
            ? undefined
            : new Error(`Asked for ${service}, answered by ${subjectaltname ?? "a certificate without a name"}`),
      }),
    stop() {
      clearInterval(timer);
    },
  };
}

function firstMaterial(files: TlsFiles): TlsMaterial {
  try {
    return readMaterial(files);
  } catch (error) {
    throw new Error("The certificates cannot be used", { cause: error });
  }
}

/** A server's side of mutual TLS: a caller without a certificate of the mesh gets no connection. */
class MutualTls extends ServerCredentials {
  constructor(material: TlsMaterial) {
    super({ requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" }, contextOf(material));
  }

  renew(material: TlsMaterial): void {
    this.updateSecureContextOptions(contextOf(material));
  }

  override _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

function contextOf({ certificate, key, authority }: TlsMaterial) {
  return { cert: certificate, key, ca: authority, minVersion: "TLSv1.3" } as const;
}

type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/** The same material as grpc-js's clients ask for it. */
function createProvider(
  current: () => TlsMaterial,
  listeners: Set<(material: TlsMaterial) => void>,
): experimental.CertificateProvider {
  const added = new Map<CaListener | IdentityListener, (material: TlsMaterial) => void>();
  const add = (listener: CaListener | IdentityListener, tell: (material: TlsMaterial) => void) => {
    added.set(listener, tell);
    listeners.add(tell);
    tell(current());
  };
  const remove = (listener: CaListener | IdentityListener) => {
    const tell = added.get(listener);
    added.delete(listener);
    if (tell) listeners.delete(tell);
  };
  return {
    addCaCertificateListener(listener) {
      add(listener, ({ authority }) => {
        listener({ caCertificate: authority });
      });
    },
    removeCaCertificateListener: remove,
    addIdentityCertificateListener(listener) {
      add(listener, ({ certificate, key }) => {
        listener({ certificate, privateKey: key });
      });
    },
    removeIdentityCertificateListener: remove,
  };
}
