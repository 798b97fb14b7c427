/** The options that all commands of `keyval` share, and that its configuration file may hold. */

import { DEFAULT_CLUSTER } from '../../node/settings.ts';
import { CLUSTER_FORM, CLUSTER_RULE } from '../../node-options.ts';
import { choice, list, path, text, time } from '../config/kinds.ts';
import type { ConfigOption } from '../config/option.ts';
import { formats } from './output.ts';

/** The variable that names the file: not that of the nodes, whose file has other members. */
export const CLIENT_FILE_VARIABLE = 'KEYVAL_CLIENT_CONFIG';

export const DEFAULT_ENDPOINT = '127.0.0.1:6234';

export const clientOptionTable: readonly ConfigOption[] = [
  {
    name: 'endpoints',
    environment: 'KEYVAL_ENDPOINTS',
    kind: list('host, host:port or [v6]:port, with commas'),
    standard: [DEFAULT_ENDPOINT],
    describe: 'nodes to ask',
  },
  {
    name: 'cluster',
    environment: 'KEYVAL_CLUSTER',
    kind: text(CLUSTER_RULE, CLUSTER_FORM),
    standard: DEFAULT_CLUSTER,
    describe: 'name of the cluster',
  },
  {
    name: 'secret-file',
    environment: 'KEYVAL_SECRET_FILE',
    kind: path(),
    standard: null,
    describe: 'file with the secret of the cluster',
  },
  {
    name: 'timeout',
    kind: time(1),
    standard: null,
    standardText: '2000 and 5000',
    describe: 'time for the connection and for each request',
  },
  { name: 'output', kind: choice(formats), standard: 'table', describe: 'form of what is printed' },
];
