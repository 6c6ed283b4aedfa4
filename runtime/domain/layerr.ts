/** Stands for the package `layerr` in bundles: all that ulidx needs of it is an error with a message. */
export class Layerr extends Error {
  constructor(_details: object, message: string) {
    super(message);
    this.name = "Layerr";
  }
}
