/** k6 has a console and its types leave it to the browser's, which has a hundred things k6 does not. */
declare const console: { info(message: string): void; error(message: string): void };
