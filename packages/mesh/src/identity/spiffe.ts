/** The trust domain of the mesh's names. */
const TRUST_DOMAIN = "reelmesh";

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A service's name as a certificate bears it: a URI after the SPIFFE standard (SPIFFE-ID, section 2). */
export function spiffeId(service: string): string {
  if (!NAME.test(service)) throw new TypeError(`${service} is no name of a service`);
  return `spiffe://${TRUST_DOMAIN}/${service}`;
}

/**
 * The services that a certificate names: one as a rule (X509-SVID, section 2), several for a process of several
 * modules.
 *
 * @param subjectAltName as Node gives it: `URI:spiffe://reelmesh/upload, DNS:upload`.
 */
export function servicesNamed(subjectAltName: string | undefined): readonly string[] {
  // A quoted value may hold what looks like another entry (CVE-2021-44532); no certificate of a mesh needs one.
  if (subjectAltName === undefined || subjectAltName.includes('"')) return [];
  return subjectAltName.split(", ").flatMap((entry) => {
    const name = entry.startsWith(`URI:spiffe://${TRUST_DOMAIN}/`) ? entry.slice(entry.lastIndexOf("/") + 1) : "";
    return NAME.test(name) && entry === `URI:${spiffeId(name)}` ? [name] : [];
  });
}
