import { invalidOption } from "../errors.js";
import type { Relay } from "../relay.js";

/** The source that a path below `basePath` names; undefined where the relay has no such adapter. */
export function sourceOf({ sources }: Relay, basePath: string, url: string): string | undefined {
  const named = sourceBelow(basePath, url);
  return sources.find((source) => source === named);
}

/** The one segment of a path below `basePath`; undefined where there are none or several. */
export function sourceBelow(basePath: string, url: string): string | undefined {
  const path = /^[^?#]*/.exec(url)?.[0] ?? "";
  if (!path.startsWith(basePath)) return undefined;
  return /^\/([^/]+)\/?$/.exec(path.slice(basePath.length))?.[1];
}

/**
 * A base path without the slash at its end.
 *
 * @throws RelayError `invalid_options`: a path that begins with no slash would never be asked for.
 */
export function basePathOf(basePath: string | undefined = "/"): string {
  if (typeof basePath !== "string" || !basePath.startsWith("/") || /[?#]/.test(basePath)) {
    throw invalidOption("basePath", 'a path that begins with "/", such as "/webhooks"', basePath);
  }
  return basePath.replace(/\/+$/, "");
}

/** The last segment of a URL's path. Without a pattern, which would try a path of slashes from each of them anew. */
export function lastSegment(url: string): string {
  const [path = ""] = url.split(/[?#]/, 1);
  return path.split("/").findLast((segment) => segment !== "") ?? "";
}
