// Express 4 under its alias: the tests use it through the types of Express 5.
declare module "express4" {
  const express: unknown;
  export default express;
}
