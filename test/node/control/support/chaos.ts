/** A world under random faults, by seed; then healed, until everybody agrees. */
import { World } from './world.ts';

const ADDRESSES = ['a:1', 'b:1', 'c:1', 'd:1', 'e:1'];

export interface Outcome {
  readonly world: World;
  /** All clusters that anybody ever belonged to. */
  readonly clusters: ReadonlySet<string>;
  readonly crashes: number;
}

export function runChaos(seed: number): Outcome {
  const world = new World(seed, {
    delayMaxMs: [1, 10, 60][seed % 3] as number,
    diskMaxMs: [0, 5, 40][seed % 2] as number,
  });
  const { random } = world;
  const founders = ADDRESSES.slice(0, 2 + random.below(4));
  const clusters = new Set<string>();
  let crashes = 0;
  world.beforeEvent = (): void => {
    for (const cluster of world.clusters) clusters.add(cluster);
  };
  const pick = (): string => founders[random.below(founders.length)] as string;
  for (const address of founders) world.after(random.below(300), () => world.add(address, { founders }));
  const trouble = (): void => {
    const chosen = random.below(10);
    const node = world.nodes.get(pick());
    const other = world.nodes.get(pick());
    if (node === undefined || other === undefined) return;
    if (chosen < 4) {
      crashes += 1;
      const isAll = random.below(6) === 0;
      const victims = isAll ? [...world.nodes.values()] : [node];
      // Between two lives somebody may have changed an option, everywhere alike or not yet.
      const settings = random.below(3) === 0 ? { min: 1 + random.below(2) } : {};
      for (const victim of victims) victim.crash();
      for (const victim of victims) {
        const options = { ...victim.options, settings: { ...victim.options.settings, ...settings } };
        world.after(random.below(900), () => victim.restart(options));
      }
    } else if (chosen < 7 && node !== other) world.breakLink(world.linkOf(node.address, other.address));
    else if (chosen < 9 && node !== other) world.cut(node.address, other.address);
    else world.heal();
  };
  for (let at = 0; at < 30; at += 1) world.after(random.below(6000), trouble);
  world.run(7000);
  world.heal();
  for (const address of founders) {
    const node = world.node(address);
    if (node.plane === null || world.clusters.length === 0) node.restart({ ...node.options, settings: {} });
  }
  world.until(`seed ${seed}: everybody agrees`, () => world.isSettled && world.up.length === founders.length);
  return { world, clusters, crashes };
}
