/** How objects of the client, whose fields are private, show themselves to `console.log`. */
import { type InspectOptions, inspect } from 'node:util';

/** Objects of the class `type` show `facts`. */
export function showAs<T extends object>(
  type: { readonly name: string; readonly prototype: T },
  facts: (shown: T) => object,
): void {
  const custom = function (this: T, _depth: number, options: InspectOptions): string {
    return `${type.name} ${inspect(facts(this), options)}`;
  };
  Object.defineProperty(type.prototype, inspect.custom, { value: custom });
}
