/**
 * A copy for a function of the app, which may change what it is given: what it was made of may be the app's, and is used
 * again. What can't be copied, such as a proxy, is handed over as it is.
 */
export function copyFor<T>(value: T): T {
  try {
    return structuredClone(value);
  } catch {
    return value;
  }
}
