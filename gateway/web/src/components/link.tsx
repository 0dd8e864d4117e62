import type { JSX } from "preact";
import { navigate } from "../navigation.js";

type LinkProps = JSX.IntrinsicElements["a"] & { readonly href: string };

/** A link within the application. Opening it elsewhere (middle click, Ctrl) is left to the browser. */
export function Link({ href, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return (
    <a {...rest} href={href} onClick={follow}>
      {children}
    </a>
  );
}
