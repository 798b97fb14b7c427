#!/usr/bin/env node
// The command `keyval-node`.
import { launch } from './launch.js';

await launch('keyval-node');
