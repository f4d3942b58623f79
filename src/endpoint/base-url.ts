import { invalidOption, misconfigured } from "../errors.js";

/** The events endpoint's own base URL. */
export const OFFICIAL_BASE_URL = "https://api.affonso.io/v1";

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

// What IANA keeps from the public internet, as the URL parser spells it: it turns 0x7f.1, 2130706433 and １２７.１ into
// 127.0.0.1. https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry
const RESERVED_V4 =
  /^(0|10|127|169\.254|172\.(1[6-9]|2\d|3[01])|192\.(168|0\.[02]|88\.99)|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])|198\.(1[89]|51\.100)|203\.0\.113|2(2[4-9]|[345]\d))\.[\d.]+$/;
// The one block that is routed, without what is for examples, and without Teredo and 6to4, whose addresses hold others.
const PUBLIC_V6 = /^\[(?!2001:(1?[\da-f]{0,2}|db8):|2002:|3fff:[\da-f]{0,3}:)[23][\da-f]{3}:/;
// RFC 6761, RFC 6762, RFC 8375 and ICANN's .internal; a name without a dot is one of the network's own.
const INTERNAL_NAME = /^[^.]+$|\.(localhost|local|internal|home\.arpa)$/;

/**
 * The base URL as requests are made below it: https, without a slash at its end.
 *
 * A name is not resolved here, since what it leads to may change before the request: that is looked at when a connection
 * is made, where the runtime lets us. Over https, whoever answers has to have the name's certificate.
 *
 * @param allowPrivateNetwork - Whether it may name a private address or an internal name, by http too.
 * @throws RelayError `invalid_options`: anything else that is not https to the public internet, or http to this machine;
 * a user, a password, a query or a fragment; a path that is sure to be wrong.
 */
export function parseBaseUrl(value: unknown, allowPrivateNetwork: boolean): string {
  // The URL parser drops line feeds and tabs without a word, and what is left is another address than was written.
  const isClean = typeof value === "string" && !/[\s\p{Cc}]/u.test(value);
  const url = isClean && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined) throw invalidOption("baseUrl", `a URL such as ${OFFICIAL_BASE_URL}`, value);
  const { protocol, hostname, pathname, href } = url;
  const isLoopback = LOOPBACK.test(hostname);
  const isPrivate = !isLoopback && isPrivateHost(hostname);
  if (isPrivate && !allowPrivateNetwork) {
    throw misconfigured("baseUrl leads to a private network; to send there, set allowPrivateNetwork: true");
  }
  if (protocol !== "https:" && !(protocol === "http:" && (isLoopback || isPrivate))) {
    throw misconfigured("baseUrl must begin with https:// (or http:// to this machine or a private network)");
  }
  if (/[?#]|\/\/[^/]*@/.test(href)) {
    throw misconfigured("baseUrl must have no user, password, query or fragment");
  }
  // A proxy's path is its own, but nobody's ends in what is added to it.
  const isIncomplete = hostname === "api.affonso.io" && !/^\/v1(\/|$)/.test(pathname);
  if (isIncomplete || /\/events\/*$/.test(pathname)) {
    throw misconfigured(`baseUrl must be a URL such as ${OFFICIAL_BASE_URL}, with /v1 and without /events`);
  }
  return href.replace(/\/+$/, "");
}

/** Whether a host, as the URL parser spells it, is an address or a name that the public internet has not. */
export function isPrivateHost(hostname: string): boolean {
  if (hostname.startsWith("[")) return !PUBLIC_V6.test(hostname);
  const name = hostname.replace(/\.$/, "");
  return RESERVED_V4.test(name) || INTERNAL_NAME.test(name);
}

// IPv4 in IPv6: as sockets write it, and as networks without IPv4 lead to it (https://www.rfc-editor.org/rfc/rfc6052).
const EMBEDDED_V4 = /^\[(?:::ffff:|64:ff9b::)([\da-f]{1,4}):([\da-f]{1,4})\]$/;

/** Whether an address, as the system spells it, is one that the public internet has not. */
export function isPrivateAddress(address: string): boolean {
  if (!address.includes(":")) return isPrivateHost(address);
  // One spelling for each; with a zone, it is of this link.
  const spelt = URL.canParse(`http://[${address}]`) ? new URL(`http://[${address}]`).hostname : "[::]";
  const [, high = "", low = ""] = EMBEDDED_V4.exec(spelt) ?? [];
  if (high === "") return isPrivateHost(spelt);
  return isPrivateHost(new URL(`http://0x${high.padStart(4, "0")}${low.padStart(4, "0")}`).hostname);
}
