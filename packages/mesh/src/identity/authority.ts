import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";
import { bits, context, integer, octets, oid, sequence, set, time, utf8, yes } from "./der.js";
import { spiffeId } from "./spiffe.js";

/** A certificate and its key, as PEM. */
export interface CertifiedKey {
  readonly certificate: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
/** Certificates count from a while ago: the clocks of a mesh are not all right. */
const BACKDATED_MS = 3_600_000;
const AUTHORITY_DAYS = 3650;
const SERVICE_DAYS = 90;
const ECDSA_WITH_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const CERT_SIGN_AND_CRL_SIGN = bits(Buffer.from([0b0000_0110]), 1);
const DIGITAL_SIGNATURE = bits(Buffer.from([0b1000_0000]), 7);
const SERVER_AND_CLIENT = sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2"));

/** A new certificate authority for development: it signs itself, and lasts ten years. */
export function createAuthority(now = new Date()): CertifiedKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = commonName("Reelmesh development authority");
  const extensions = [
    extension("2.5.29.19", sequence(yes), "critical"),
    extension("2.5.29.15", CERT_SIGN_AND_CRL_SIGN, "critical"),
  ];
  const signer = { name, key: privateKey };
  return encode(signer, { name, publicKey, days: AUTHORITY_DAYS, extensions, now }, privateKey);
}

/**
 * A certificate for mutual TLS, good for 90 days, that names services by SPIFFE URIs (RFC 5280; X509-SVID), and by DNS
 * names besides, which tools such as grpcurl go by.
 *
 * @param services one as a rule, several for a process of several modules.
 */
export function certify(
  authority: { readonly key: KeyObject },
  services: readonly string[],
  now = new Date(),
): CertifiedKey {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const names = [
    ...services.map((service) => context(6, Buffer.from(spiffeId(service)), "primitive")),
    ...services.map((service) => context(2, Buffer.from(service), "primitive")),
  ];
  const extensions = [
    extension("2.5.29.19", sequence(), "critical"),
    extension("2.5.29.15", DIGITAL_SIGNATURE, "critical"),
    extension("2.5.29.37", SERVER_AND_CLIENT),
    extension("2.5.29.17", sequence(...names)),
  ];
  const signer = { name: commonName("Reelmesh development authority"), key: authority.key };
  const subject = { name: commonName(services[0] ?? ""), publicKey, days: SERVICE_DAYS, extensions, now };
  return encode(signer, subject, privateKey);
}

function encode(
  signer: { name: Buffer; key: KeyObject },
  subject: { name: Buffer; publicKey: KeyObject; days: number; extensions: readonly Buffer[]; now: Date },
  subjectKey: KeyObject,
): CertifiedKey {
  const { name, publicKey, days, extensions, now } = subject;
  const from = new Date(now.getTime() - BACKDATED_MS);
  const to = new Date(now.getTime() + days * DAY_MS);
  const identifiers = [
    extension("2.5.29.14", octets(keyId(publicKey))),
    extension("2.5.29.35", sequence(context(0, keyId(createPublicKey(signer.key)), "primitive"))),
  ];
  const toBeSigned = sequence(
    context(0, integer(Buffer.from([2])), "constructed"),
    // A positive number of 16 bytes, its first never zero.
    integer(Buffer.concat([Buffer.from([0x40]), randomBytes(15)])),
    ECDSA_WITH_SHA256,
    signer.name,
    sequence(time(from), time(to)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    context(3, sequence(...extensions, ...identifiers), "constructed"),
  );
  const signature = sign("sha256", toBeSigned, signer.key);
  const certificate = sequence(toBeSigned, ECDSA_WITH_SHA256, bits(signature));
  return {
    certificate: pem("CERTIFICATE", certificate),
    key: subjectKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

function commonName(text: string): Buffer {
  return sequence(set(sequence(oid("2.5.4.3"), utf8(text))));
}

function extension(id: string, value: Buffer, criticality?: "critical"): Buffer {
  return sequence(oid(id), ...(criticality ? [yes] : []), octets(value));
}

function keyId(key: KeyObject): Buffer {
  return createHash("sha1")
    .update(key.export({ type: "spki", format: "der" }))
    .digest();
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
