// Koa 2 under its alias: the tests use it through the types of Koa 3.
declare module "koa2" {
  const Koa: unknown;
  export default Koa;
}
