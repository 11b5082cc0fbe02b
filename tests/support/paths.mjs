// Where things are, seen from the project's root.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BUILD = path.join(ROOT, 'build');

const contracts = process.env.KINDLING_CONTRACTS ?? path.join(ROOT, '../shared/contracts');

/** The folder of the upstreams' official contracts, or null where this checkout has none. */
export const CONTRACTS = fs.existsSync(path.join(contracts, 'digitalocean.yaml')) ? contracts : null;

/** A virtual environment that holds LNbits 1.6.2, or null; `cargo xtask` makes it. */
const venv = process.env.KINDLING_LNBITS_VENV ?? path.join(BUILD, 'lnbits-venv');
export const LNBITS_VENV = fs.existsSync(path.join(venv, 'bin/python')) ? venv : null;
