import nock from "nock";

// Loading it replaces Node's HTTP client in the whole process, which the files of several tests share.
nock.restore();

/** Lets nock stand in for a host, and keeps all others but this machine away, until {@link leaveStandIns}. */
export function standInFor(host: string): nock.Scope {
  if (!nock.isActive()) nock.activate();
  nock.disableNetConnect();
  nock.enableNetConnect("127.0.0.1");
  return nock(host);
}

/** For the end of each test: Node's own HTTP client is back. */
export function leaveStandIns(): void {
  nock.cleanAll();
  nock.enableNetConnect();
  nock.restore();
}
