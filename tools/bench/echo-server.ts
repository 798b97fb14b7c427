/** The opponent's server: writes back whatever comes, chunk by chunk. Tells its port, and its CPU time when asked. */
import { type AddressInfo, createServer } from 'node:net';

process.on('disconnect', () => process.exit(0));
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ type: 'cpu', micros: user + system });
});

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', (chunk) => socket.write(chunk));
  socket.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => {
  process.send?.({ type: 'listening', port: (server.address() as AddressInfo).port });
});
