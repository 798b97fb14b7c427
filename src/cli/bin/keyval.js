#!/usr/bin/env node
// The command `keyval`.
import { launch } from './launch.js';

await launch('keyval');
