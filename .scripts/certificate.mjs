// The certificate of a local https server: made by Node alone, for names below localhost, trusted by whoever is told to.
import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How long it is good for. Some systems refuse more than 825 days. */
const DAYS = 800;

// DER (X.690): a tag, a length, a value. Just the kinds that a certificate has (RFC 5280 §4.1).
const tlv = (tag, ...values) => {
  const value = Buffer.concat(values);
  // As short as can be: readers that are strict refuse a longer form.
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
};
const sequence = (...values) => tlv(0x30, ...values);
const oid = (hex) => tlv(0x06, Buffer.from(hex, 'hex'));
const time = (date) => tlv(0x17, Buffer.from(date.toISOString().replace(/^..|[-:T]|\.\d+/g, '')));
const extension = (id, value, critical) =>
  sequence(oid(id), ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value));

const ECDSA_SHA256 = sequence(oid('2a8648ce3d040302'));
const NAME = sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from('Gatehouse on this machine')))));
const LOOPBACK = [Buffer.from([127, 0, 0, 1]), Buffer.concat([Buffer.alloc(15), Buffer.from([1])])];

/** A key and a self-signed certificate of these DNS names and the loopback addresses, as PEM. */
export function makeCertificate(names, now = new Date()) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const alternatives = [...names.map((name) => tlv(0x82, Buffer.from(name))), ...LOOPBACK.map((ip) => tlv(0x87, ip))];
  const certified = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))), // version 3
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    NAME,
    sequence(time(new Date(now.getTime() - 3600e3)), time(new Date(now.getTime() + DAYS * 24 * 3600e3))),
    NAME,
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(
      0xa3,
      sequence(
        extension('551d13', sequence(), true), // no authority: it vouches for nobody but itself
        extension('551d0f', tlv(0x03, Buffer.from([7, 0x80])), true), // to sign with
        extension('551d25', sequence(oid('2b06010505070301'))), // as a server
        extension('551d11', sequence(...alternatives)),
      ),
    ),
  );
  const signature = tlv(0x03, Buffer.from([0]), sign('sha256', certified, privateKey));
  const der = sequence(certified, ECDSA_SHA256, signature).toString('base64');
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    certificate: `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g).join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}

/** The certificate in this folder, made anew when it is about to end or lacks one of the names. Clients (Node, Python,
 * curl) take no wildcard right below a top-level name, so that every tenant is named. */
export function localCertificate(folder, tenants) {
  const [keyFile, file] = ['key.pem', 'certificate.pem'].map((name) => join(folder, name));
  const wanted = ['localhost', '*.localhost', ...tenants.map((tenant) => `${tenant}.localhost`)];
  const known = existsSync(file) && existsSync(keyFile) ? new X509Certificate(readFileSync(file)) : undefined;
  const names = known ? known.subjectAltName.split(', ').flatMap((each) => each.match(/^DNS:(.*)/)?.[1] ?? []) : [];
  const isCurrent = known && Date.parse(known.validTo) > Date.now() + 7 * 24 * 3600e3;
  if (!isCurrent || wanted.some((name) => !names.includes(name))) {
    const made = makeCertificate([...new Set([...names, ...wanted])]);
    mkdirSync(folder, { recursive: true });
    writeFileSync(keyFile, made.key, { mode: 0o600 });
    writeFileSync(file, made.certificate);
  }
  return { keyFile, file };
}
