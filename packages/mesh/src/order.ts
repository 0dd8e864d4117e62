import type { Module } from "./module.js";

/**
 * Puts modules so that each comes after those it calls; what is called but not here runs elsewhere.
 *
 * @throws Error that names the circle, or the name that two modules share.
 */
export function startOrder<M extends Pick<Module, "name" | "clients">>(modules: readonly M[]): readonly M[] {
  const byName = new Map(modules.map((module) => [module.name, module]));
  if (byName.size < modules.length) throw new Error("Two modules have the same name");
  const order: M[] = [];
  const visit = (module: M, path: readonly string[]) => {
    if (path.includes(module.name)) {
      throw new Error(`Services call each other in a circle: ${[...path, module.name].join(" > ")}`);
    }
    if (order.includes(module)) return;
    for (const name of module.clients) {
      const called = byName.get(name);
      if (called) visit(called, [...path, module.name]);
    }
    order.push(module);
  };
  for (const module of modules) visit(module, []);
  return order;
}
