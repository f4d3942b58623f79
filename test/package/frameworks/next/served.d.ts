/** The relay that the routes are for; routes of an app of yours would import it. */
declare var servedRelay: import("affonso-relay").Relay;
